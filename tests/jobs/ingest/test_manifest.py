import datetime as dt
import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.ingest import behavior_log, landing, manifest
from jobs.ingest.feeds import BEHAVIOR_LOGS
from tests.jobs.ingest.nights import HEADER, MAY_1, ingest, line, write_landing

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def _parts(home: Path) -> Path:
    """Write a night whose log has two files of two and three lines."""
    folder = write_landing(home, [line(1), line(2)])
    (folder / "more.csv.gz").write_bytes(
        gzip.compress("\n".join([HEADER, line(3), line(4), "erased"]).encode(), mtime=0)
    )
    return folder


def test_spark_counts_a_large_feed_as_one_process_does(
    home: Path, spark: "SparkSession", monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _parts(home)
    in_process = manifest.write(home / "landing", BEHAVIOR_LOGS, MAY_1)
    assert {name: (file.records, file.erased) for name, file in in_process.items()} == {
        "log.csv.gz": (2, 0),
        "more.csv.gz": (3, 1),
    }
    monkeypatch.setattr(manifest, "_LARGEST_IN_PROCESS", 0)
    assert manifest.write(home / "landing", BEHAVIOR_LOGS, MAY_1) == in_process
    assert manifest.read(home / "landing", BEHAVIOR_LOGS, MAY_1) == in_process
    digest = manifest.digest(home / "landing", BEHAVIOR_LOGS, MAY_1)
    assert manifest.digest(home / "landing", BEHAVIOR_LOGS, MAY_1, in_process) == digest
    (folder / landing.MANIFEST).unlink()
    assert manifest.digest(home / "landing", BEHAVIOR_LOGS, MAY_1) == digest


def test_a_file_that_changed_since_it_landed_is_refused(
    home: Path, spark: "SparkSession", capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _parts(home)
    ingest()
    (folder / "more.csv.gz").write_bytes(gzip.compress("\n".join([HEADER, line(5)]).encode(), mtime=0))
    with pytest.raises(SystemExit) as ended:
        behavior_log.main(["--date", str(MAY_1)])
    assert ended.value.code == 65
    assert f"{folder / 'more.csv.gz'} has changed since it landed" in capsys.readouterr().err
    (folder / "more.csv.gz").unlink()
    with pytest.raises(SystemExit):
        behavior_log.main(["--date", str(MAY_1)])
    assert "has other files than when it landed (more.csv.gz)" in capsys.readouterr().err
    manifest.check(home / "landing", MAY_1)
    behavior_log.main(["--date", str(MAY_1)])


def test_landing_the_same_bytes_again_keeps_the_manifest(home: Path) -> None:
    folder = write_landing(home, [line(1)])
    manifest.check(home / "landing", MAY_1)
    before = (folder / landing.MANIFEST).read_bytes()
    write_landing(home, [line(1)])
    assert (folder / landing.MANIFEST).read_bytes() == before
    write_landing(home, [line(2)])
    assert not (folder / landing.MANIFEST).exists()
    assert landing.is_complete(home / "landing", BEHAVIOR_LOGS, dt.date(2022, 5, 1))
