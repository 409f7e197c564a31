"""A job killed at any moment leaves the old rows or the new ones, and running it again gives what an undisturbed night gives."""

import os
import random
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from mlflow import MlflowClient
from pyspark.sql import SparkSession

from jobs.backfill.table_days import table_days
from jobs.ingest import behavior_log, campaigns, quarantine, reconciliation, users, video_prompts, videos
from jobs.platform.lake.history import publications
from jobs.platform.lake.verify import verify
from jobs.platform.settings import Settings, settings
from schemas.contract import tables
from tests.faults.conftest import RecordFault
from tests.infra.nights import run_in_turn
from tests.jobs.ingest.nights import MAY_1, ingest, line, write_landing
from tests.night_jobs import NIGHT_JOBS

WRITING = ("staged", "audited", "committed")
TRAINING = ("trained", "logged")
STEPS: dict[str, tuple[str, ...]] = {
    "ingest.land": ("written", "moved"),
    "ingest.watch_history": (),  # simulated nights have none
    "recommend.train": TRAINING,
    "ads.train": TRAINING,
    "recommend.promote": ("promoted",),
    "ads.promote": ("promoted",),
    "report.report": (),
}
"""The failpoints that a job passes; those of a table's write unless it is listed."""
_AT_MOST = 8
LINES = [line(user_id=n % 7, video_id=n, play=-1 if n % 50 == 0 else n) for n in range(100)] + ["no line at all"]


def start(job: str, *arguments: str, server: str, failpoint: str = "") -> "subprocess.Popen[str]":
    """A job as a process of its own that uses a Spark server, as in a night."""
    command = [sys.executable, "-m", f"jobs.{job}", *arguments, "--date", str(MAY_1)]
    environment = {**os.environ, "SPARK_REMOTE": server, "NIGHTREEL_FAILPOINT": failpoint}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def state() -> dict[str, tuple[int, str]]:
    """Rows and content hash of the night in each table."""
    return {day.table: (day.rows, day.digest) for day in table_days(settings(), MAY_1)}


def check_whole(found: Settings, clean: dict[str, tuple[int, str]], acknowledged: set[str]) -> None:
    """What was acknowledged is there; what is there is whole and sound."""
    for table, (rows, digest) in state().items():
        assert (rows, digest) in {(0, "0" * 16), clean[table]}
        assert table not in acknowledged or (rows, digest) == clean[table]
    assert [damage for table in tables() for damage in verify(found, table)] == []


def models() -> list[tuple[str, str, str]]:
    """Every registered version: its model, our name of it, and whether it went live or serves."""
    store = MlflowClient(settings().mlflow_uri)
    champions = {model.name: model.aliases["champion"] for model in store.search_registered_models()}
    return sorted(
        (v.name, v.tags["version"], "serves" if v.version == champions[v.name] else v.tags["promoted"])
        for v in store.search_model_versions()
    )


def test_killed_at_each_step(home: Path, spark: SparkSession, spark_server: str, record_fault: RecordFault) -> None:
    write_landing(home, LINES)
    night = ingest()
    assert all(len(publications(night.lake.uri(table))) == 1 for table in state())
    clean = state()
    (home / "lake").rename(home / "undisturbed")
    for ingested in (users, videos, campaigns, video_prompts, behavior_log):
        ingested.main(["--date", str(MAY_1)])
    for failpoint in WRITING:
        process = start("ingest.behavior_events", server=spark_server, failpoint=f"kill:{failpoint}")
        said = process.communicate()[1]
        assert process.returncode == -signal.SIGKILL, said
        check_whole(settings(), clean, set())
    process = start("ingest.behavior_events", server=spark_server)
    said = process.communicate()[1]
    assert process.returncode == 0, said
    quarantine.main(["--date", str(MAY_1)])
    reconciliation.main(["--date", str(MAY_1)])
    assert state() == clean
    record_fault("kill -9 at a failpoint", f"{len(WRITING)} kills, then the content of a clean run")


class Undisturbed(NamedTuple):
    """What a night gives that nobody disturbs."""

    tables: dict[str, tuple[int, str]]
    models: list[tuple[str, str, str]]


@pytest.fixture
def undisturbed(tmp_path: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Undisturbed:
    """A simulated night, undisturbed; what follows in the test has a home of its own."""
    monkeypatch.setenv("NIGHTREEL_PSEUDONYM_KEY", secrets.token_hex(32))
    monkeypatch.setenv("NIGHTREEL_SIMULATED_EVENTS", "5000")
    monkeypatch.setenv("NIGHTREEL_SOURCE", "simulator")
    for name in ("NIGHTREEL_LAKE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NIGHTREEL_HOME", str(tmp_path / "undisturbed"))
    run_in_turn([(f"jobs.{module}", [*arguments, "--date", str(MAY_1)]) for module, *arguments in NIGHT_JOBS])
    found = Undisturbed(state(), models())
    monkeypatch.delenv("MLFLOW_TRACKING_URI")  # which MLflow itself has set
    monkeypatch.setenv("NIGHTREEL_HOME", str(tmp_path / "disturbed"))
    return found


@pytest.mark.long
def test_every_job_of_a_night_killed_at_each_step(
    undisturbed: Undisturbed, spark_server: str, record_fault: RecordFault
) -> None:
    assert (
        start("ingest.land", "--events", "1000", server=spark_server).wait() == 0
    )  # a night for the next run to replace
    acknowledged: set[str] = set()
    kills = 0
    for job in NIGHT_JOBS:
        for failpoint in STEPS.get(job[0], WRITING):
            process = start(*job, server=spark_server, failpoint=f"kill:{failpoint}")
            said = process.communicate()[1]
            assert process.returncode == -signal.SIGKILL, (job, failpoint, said)
            kills += 1
            check_whole(settings(), undisturbed.tables, acknowledged)
        process = start(*job, server=spark_server)
        said = process.communicate()[1]
        assert process.returncode == 0, said
        acknowledged |= {table for table, (rows, _) in state().items() if rows}
    assert state() == undisturbed.tables
    assert models() == undisturbed.models
    record_fault(
        "kill -9 at each failpoint of each job of a night", f"{kills} kills, then the content of a clean night"
    )


@pytest.mark.long
def test_killed_at_random(undisturbed: Undisturbed, spark_server: str, record_fault: RecordFault) -> None:
    chance = random.Random(20220501)
    kills = 0
    while kills < 200:
        for job in NIGHT_JOBS:
            ended = None
            for _ in range(_AT_MOST):
                process = start(*job, server=spark_server)
                try:
                    said = process.communicate(timeout=chance.uniform(0.5, 9))[1]
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    kills += 1
                    check_whole(settings(), undisturbed.tables, set())
                else:
                    ended = process.returncode
                    break
            if ended is None:
                process = start(*job, server=spark_server)
                said = process.communicate()[1]
                ended = process.returncode
            assert ended == 0, said
    assert state() == undisturbed.tables
    assert models() == undisturbed.models
    record_fault("kill -9 at random over a night", f"{kills} kills, then the content of a clean night")
