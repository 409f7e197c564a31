"""Maintenance drops, joins and removes what it may, and nothing else."""

import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from jobs.integrity.maintenance import Done, maintain, maintain_all
from jobs.platform.job_context import JobContext
from jobs.platform.lake import log_backup
from jobs.platform.settings import settings
from schemas.contract import load_contract
from tests.jobs.integrity.ageing import age

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TABLE = "silver.quarantine"
LAST = dt.date(2022, 5, 1)
KEPT = load_contract(TABLE).retention_days
DAYS = [LAST - dt.timedelta(days=ago) for ago in (KEPT + 30, KEPT + 1, KEPT, 0)]


@pytest.fixture(scope="module")
def lake(spark: "SparkSession", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table that holds each day in two small files, written twice: the first ones are no longer in the current version."""
    home = tmp_path_factory.mktemp("lake")
    for day in DAYS:
        for lines in ([1, 2, 3], [1, 2, 3, 4]):
            row = {"source": "silver.behavior_events", "log_file": "log", "raw": "raw", "reasons": ["reason"]}
            rows = [
                row | {"log_line": line, "arrival_date": day, "header": "header", "user_id": "0" * 32} for line in lines
            ]
            JobContext(day, replace(settings(), home=home, lake=f"{home}/lake"), writes=TABLE).lake.write(
                spark.createDataFrame(pa.Table.from_pylist(rows)).repartition(2)
            )
    return home


@pytest.fixture
def night(spark: "SparkSession", lake: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> JobContext:
    monkeypatch.delenv("NIGHTREEL_PSEUDONYM_KEY")  # the lake's own is copied with it
    shutil.copytree(lake, home, dirs_exist_ok=True)
    return JobContext(LAST, settings())


def files(night: JobContext) -> set[Path]:
    return set(Path(night.lake.uri(TABLE)).glob("**/*.parquet"))


def content(night: JobContext, version: int | None = None) -> list[str]:
    """The rows of the table, in any order."""
    return sorted(str(row) for row in DeltaTable(night.lake.uri(TABLE), version=version).to_pyarrow_table().to_pylist())


def test_days_past_retention_are_dropped_and_small_files_joined(night: JobContext) -> None:
    done = maintain(night, TABLE, LAST, kept=())
    assert done == Done(TABLE, days_dropped=2, rows_dropped=8, files_joined=2, files_removed=0)
    assert JobContext(LAST, settings()).lake.days(TABLE) == set(DAYS[2:])
    again = maintain(JobContext(LAST, settings()), TABLE, LAST, kept=())
    assert again == Done(TABLE, 0, 0, 0, 0)


def test_old_files_go_after_a_week_and_the_content_stays(night: JobContext) -> None:
    age(night.lake.uri(TABLE), 6.9)
    assert maintain(night, TABLE, DAYS[0], kept=()).files_removed == 0  # though it joined files: those left just now
    before = content(night)
    age(night.lake.uri(TABLE), 7.1)
    done = maintain(JobContext(LAST, settings()), TABLE, DAYS[0], kept=())
    assert done.days_dropped == 0
    assert done.files_removed > len(DAYS)
    assert content(night) == before
    # the same rows are read by Spark, and a night can still be written
    assert JobContext(LAST, settings()).lake.read(TABLE).count() == 4 * len(DAYS)
    JobContext(LAST, settings(), writes=TABLE).lake.write(JobContext(LAST, settings()).lake.read_day(TABLE))
    assert content(night) == before


def test_what_a_live_model_was_trained_on_can_still_be_read(night: JobContext) -> None:
    trained_on = DeltaTable(night.lake.uri(TABLE)).version() - 1
    then = content(night, trained_on)
    maintain(night, TABLE, LAST, kept=())
    age(night.lake.uri(TABLE), 8)
    assert maintain(JobContext(LAST, settings()), TABLE, LAST, kept={trained_on, 10_000}).files_removed > 0
    assert content(night, trained_on) == then


def test_no_commit_goes_however_old(night: JobContext) -> None:
    table = DeltaTable(night.lake.uri(TABLE))
    table.create_checkpoint()
    age(night.lake.uri(TABLE), 60)
    commits = set(Path(night.lake.uri(TABLE), "_delta_log").glob("*.json"))
    assert maintain(JobContext(LAST, settings()), TABLE, LAST, kept=()).files_removed > 0
    assert commits < set(Path(night.lake.uri(TABLE), "_delta_log").glob("*.json"))
    assert log_backup.find_damage(Path(night.lake.uri(TABLE))) == []


@pytest.mark.parametrize("date", [LAST, dt.date(2062, 5, 1)])
def test_a_date_after_the_last_night_drops_no_more(night: JobContext, date: dt.date) -> None:
    (done,) = maintain_all(JobContext(date, settings()))
    assert done.days_dropped == 2


def test_a_date_before_it_drops_less(night: JobContext) -> None:
    (done,) = maintain_all(JobContext(LAST - dt.timedelta(days=10), settings()))
    assert done.days_dropped == 1
    assert len(files(night)) > 0
