"""Every damaged file is found by `verify` and put right by `restore`; a damaged log is found before anything is published."""

import datetime as dt
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from jobs.integrity import restore, verify
from jobs.platform import lake
from jobs.platform.lake import Damaged
from jobs.platform.lake.restore import restore as put_right
from jobs.platform.lake.verify import Damage
from jobs.platform.lake.verify import verify as damages
from jobs.platform.settings import settings
from tests.faults import rows
from tests.faults.conftest import RecordFault

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAYS = [dt.date(2022, 5, 1) + dt.timedelta(days=ago) for ago in range(3)]


def cut_to_zero(path: Path, chance: random.Random) -> None:
    path.write_bytes(b"")


def cut_short(path: Path, chance: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(1, len(content))])


def flip_a_bit(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def flip_a_bit_of_rows(path: Path, chance: random.Random) -> None:
    """Flip a bit of the last byte of the column `raw`: a page ends with its values, whose checksum its header has."""
    group = pq.read_metadata(path).row_group(0)
    chunk = next(c for c in map(group.column, range(group.num_columns)) if c.path_in_schema == "raw")
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    content = bytearray(path.read_bytes())
    content[start + chunk.total_compressed_size - 1] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def take_away(path: Path, chance: random.Random) -> None:
    path.unlink()


DAMAGES = (cut_to_zero, cut_short, flip_a_bit, take_away)


@pytest.fixture
def published(table: str) -> str:
    """A table whose days were each published twice, the second time with the same rows."""
    for day in [*DAYS, *DAYS]:
        rows.publish_day(table, day, rows.rows(day, 20, "once"))
    return table


def content(table: str) -> list[list[str]]:
    return [rows.read(table, day) for day in DAYS]


def found(table: str) -> list[Damage]:
    return list(damages(settings(), rows.TABLE))


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", ["data", "commit", "receipt"])
def test_it_is_found_and_put_right(
    published: str,
    kind: str,
    damage: Callable[[Path, random.Random], None],
    record_fault: RecordFault,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    chance = random.Random(f"{kind} {damage.__name__}")
    whole, sound = content(published), tmp_path_factory.mktemp("sound") / "table"
    shutil.copytree(published, sound)
    if kind == "data":
        files = [Path(uri) for uri in DeltaTable(published).file_uris()]
    else:
        files = sorted(Path(published, {"commit": "_delta_log", "receipt": "_receipts"}[kind]).glob("*.json"))
    seen, restored = 0, 0
    for harmed in files:
        damage(harmed, chance)
        seen += any(harmed.name in str(found_) for found_ in found(published)) or (
            kind == "receipt" and damage is take_away and not found(published)  # the next publication writes it again
        )
        list(put_right(settings(), rows.TABLE, {"run": "test"}))
        restored += not found(published) and content(published) == whole
        rows.publish_day(published, DAYS[0], rows.rows(DAYS[0], 20, "once"))
        shutil.rmtree(published)
        shutil.copytree(sound, published)
    record_fault(
        f"damaged {kind}: {damage.__name__.replace('_', ' ')}",
        f"{seen} of {len(files)} found, {restored} restored",
    )
    assert (seen, restored) == (len(files), len(files))


def test_a_job_that_reads_a_damaged_file_fails_rather_than_go_on_with_other_rows(
    published: str, spark: "SparkSession", record_fault: RecordFault
) -> None:
    chance = random.Random(11)
    tries = 10
    for _ in range(tries):
        harmed = Path(chance.choice(DeltaTable(published).file_uris()))
        sound = harmed.read_bytes()
        flip_a_bit_of_rows(harmed, chance)
        with pytest.raises(Exception, match="FAILED_READ_FILE"):  # Spark raises three kinds
            spark.read.format("delta").load(published).select("raw").collect()
        harmed.write_bytes(sound)
    record_fault("a flipped bit, read by a job", f"{tries} of {tries} failed")


def test_nothing_is_built_on_a_log_with_a_hole(published: str) -> None:
    newest = max(Path(published, "_delta_log").glob("*.json"))
    newest.write_bytes(b"")
    with pytest.raises(
        Damaged, match=f"{newest.name} differs from what was written; list all damage with `make verify`"
    ):
        lake.version(published)
    with pytest.raises(Damaged):
        rows.publish_day(published, DAYS[0], rows.rows(DAYS[0], 1))
    newest.unlink()
    with pytest.raises(Damaged, match="is missing"):
        rows.publish_day(published, DAYS[0], rows.rows(DAYS[0], 1))


def test_a_day_without_a_sound_copy_is_named(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows.publish_day(table, DAYS[0], rows.rows(DAYS[0], 20))
    rows.publish_day(table, DAYS[1], rows.rows(DAYS[1], 20))
    (harmed, *_) = Path(table).glob(f"*/arrival_date={DAYS[1]}/*.parquet")
    harmed.write_bytes(harmed.read_bytes()[:-10])
    with pytest.raises(SystemExit) as ended:
        verify.main(["--table", rows.TABLE])
    assert ended.value.code == 65
    with pytest.raises(SystemExit) as ended:
        restore.main([])
    assert ended.value.code == 65
    said = capsys.readouterr()
    assert f"{rows.TABLE} {DAYS[1]}: {harmed} has" in said.out + said.err
    assert (
        f"no undamaged copy of {DAYS[1]} is left; rerun: make backfill FROM={DAYS[1]} TO={DAYS[1]} SOURCE=landing"
        in said.err
    )
    rows.publish_day(table, DAYS[1], rows.rows(DAYS[1], 20))
    assert found(table) == []


def test_a_checkpoint_is_only_a_summary(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.platform.lake import commit

    monkeypatch.setattr(commit, "_CHECKPOINT_EVERY", 4)
    for number in range(9):
        rows.publish_day(table, DAYS[number % 3], rows.rows(DAYS[number % 3], 20))
    whole = content(table)
    checkpoint = max(Path(table, "_delta_log").glob("*.checkpoint.parquet"))
    flip_a_bit(checkpoint, random.Random(1))
    assert [damage.day for damage in found(table)] == [None]
    with pytest.raises(Damaged, match=checkpoint.name):
        lake.version(table)
    assert list(put_right(settings(), rows.TABLE, {"run": "test"})) == [
        f"{checkpoint}: deleted, the commits that it summarizes exist"
    ]
    assert found(table) == []
    assert content(table) == whole


def test_jobs_check_the_part_of_the_log_that_delta_reads(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.platform.lake import commit

    monkeypatch.setattr(commit, "_CHECKPOINT_EVERY", 4)
    for number in range(7):
        rows.publish_day(table, DAYS[number % 3], rows.rows(DAYS[number % 3], 20))
    whole, log = content(table), Path(table, "_delta_log")
    old, new = (log / f"{version:020}.json" for version in (2, 6))
    old.write_bytes(b"")
    assert lake.version(table) == 7
    assert content(table) == whole
    assert [damage.what for damage in found(table)] == [f"{old} differs from what was written"]
    sound = new.read_bytes()
    new.write_bytes(b"")
    with pytest.raises(Damaged, match=f"{new.name} differs"):
        lake.version(table)
    new.write_bytes(sound)
    DeltaTable(table).create_checkpoint()  # by another program, which does not check the log
    new.write_bytes(b"")
    with pytest.raises(Damaged, match=f"{new.name} differs"):
        lake.version(table)
    list(put_right(settings(), rows.TABLE, {"run": "test"}))
    assert (found(table), content(table)) == ([], whole)


def test_a_commit_that_a_power_cut_left_empty_is_taken_away(published: str) -> None:
    whole = content(published)
    torn = Path(published, "_delta_log", f"{DeltaTable(published).version() + 1:020}.json")
    torn.write_bytes(b"")
    assert [damage.what for damage in found(published)] == [f"{torn}: it is empty"]
    with pytest.raises(Damaged, match="it is empty"):
        rows.publish_day(published, DAYS[0], rows.rows(DAYS[0], 20, "once"))
    assert list(put_right(settings(), rows.TABLE, {"run": "test"})) == [
        f"{torn}: deleted, it is empty and was never acknowledged"
    ]
    rows.publish_day(published, DAYS[0], rows.rows(DAYS[0], 20, "once"))
    assert (found(published), content(published)) == ([], whole)


def test_a_checkpoint_whose_writer_was_killed_is_taken_away(published: str) -> None:
    whole = content(published)
    DeltaTable(published).create_checkpoint()
    (checkpoint,) = Path(published, "_delta_log").glob("*.checkpoint.parquet")
    assert found(published) == []
    cut_short(checkpoint, random.Random(2))
    assert [damage.what for damage in found(published)] == [f"{checkpoint} differs from what was written"]
    list(put_right(settings(), rows.TABLE, {"run": "test"}))
    assert (found(published), content(published)) == ([], whole)
