"""A job killed at any moment leaves the old rows or the new ones, and running it again gives what an undisturbed night gives."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from jobs.features import interactions
from jobs.operate.table_days import table_days
from jobs.operate.verify import verify
from jobs.platform.publications import publications
from jobs.platform.settings import Settings, settings
from schemas.contract import tables
from tests.faults.conftest import RecordFault
from tests.jobs.ingest.nights import MAY_1, ingest, lay, line

JOBS = (
    "ingest.behavior_log",
    "ingest.behavior_events",
    "ingest.quarantine",
    "ingest.reconciliation",
    "features.interactions",
)
FAILPOINTS = ("staged", "audited", "committed")
LINES = [line(user_id=n % 7, video_id=n, play=-1 if n % 50 == 0 else n) for n in range(100)] + ["no line at all"]


def start(job: str, server: str, failpoint: str = "") -> "subprocess.Popen[str]":
    """A job as a process of its own that uses a Spark server, as in a night."""
    command = [sys.executable, "-m", f"jobs.{job}", "--date", str(MAY_1)]
    environment = {**os.environ, "SPARK_REMOTE": server, "NIGHTREEL_FAILPOINT": failpoint}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def state() -> dict[str, tuple[int, str]]:
    """Rows and content hash of the night in each table."""
    return {day.table: (day.rows, day.digest) for day in table_days(settings(), MAY_1)}


def check_whole(found: Settings, clean: dict[str, tuple[int, str]], acknowledged: set[str]) -> None:
    """What was acknowledged is there; what is there is whole and sound."""
    for table, (rows, digest) in state().items():
        assert (rows, digest) in {(0, "0" * 16), clean[table]}
        assert table not in acknowledged or (rows, digest) == clean[table]
    assert [damage for table in tables() for damage in verify(found, table)] == []


@pytest.fixture
def clean(home: Path, spark: SparkSession) -> dict[str, tuple[int, str]]:
    """What the night gives undisturbed; the lake is empty again."""
    lay(home, LINES)
    ingest()
    interactions.main(["--date", str(MAY_1)])
    found = state()
    (home / "lake").rename(home / "undisturbed")
    return found


@pytest.mark.parametrize(
    "jobs", [pytest.param(JOBS[1::3], id="two jobs"), pytest.param(JOBS, id="all jobs", marks=pytest.mark.long)]
)
def test_killed_at_each_step(
    clean: dict[str, tuple[int, str]], spark_server: str, jobs: tuple[str, ...], record_fault: RecordFault
) -> None:
    found = settings()
    acknowledged: set[str] = set()
    kills = 0
    for job in JOBS:
        for failpoint in FAILPOINTS if job in jobs else ():
            process = start(job, spark_server, f"kill:{failpoint}")
            said = process.communicate()[1]
            assert process.returncode == -signal.SIGKILL, said
            kills += 1
            check_whole(found, clean, acknowledged)
        process = start(job, spark_server)
        assert process.wait() == 0, process.communicate()[1]
        acknowledged |= state().keys()
        check_whole(found, clean, acknowledged)
    record_fault("kill -9 at a failpoint", f"{kills} kills, then the same content as a clean run")
    assert state() == clean


@pytest.mark.long
def test_killed_at_random(clean: dict[str, tuple[int, str]], spark_server: str, record_fault: RecordFault) -> None:
    found = settings()
    chance = random.Random(20220501)
    kills = 0
    while kills < 200:
        for job in JOBS:
            ended = None
            while ended is None:
                process = start(job, spark_server)
                try:
                    ended = process.wait(chance.uniform(0.5, 12))
                except subprocess.TimeoutExpired:
                    process.kill()
                    kills += 1
                said = process.communicate()[1]
                check_whole(found, clean, set())
            assert ended == 0, said
    record_fault("kill -9 at random", f"{kills} kills, then the same content as a clean run")
    assert state() == clean


def test_a_day_is_published_once_for_each_run(home: Path, spark: SparkSession) -> None:
    lay(home, LINES)
    night = ingest()
    for table in state():
        assert len(publications(DeltaTable(night.uri(table)))) == 1
