import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.platform import lake
from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.job_context import JobContext
from jobs.platform.lake import commit, stage
from jobs.platform.lake.audit import is_finite
from jobs.platform.lake.content_hash import NO_ROWS
from jobs.platform.settings import settings
from schemas.contract import Column, load_contract

BOOKS = "ops.reconciliation"
MAY_1 = dt.date(2022, 5, 1)
MAY_2 = dt.date(2022, 5, 2)


def books(spark: SparkSession, date: dt.date, lines: int, duplicates: int = 0) -> DataFrame:
    row = ("silver.behavior_events", lines, lines - duplicates, duplicates, 0, 0, None, date)
    return spark.createDataFrame([row], load_contract(BOOKS).struct_type())


def rows(night: JobContext) -> set[tuple[object, ...]]:
    return {tuple(row) for row in JobContext(night.date, night.settings).lake.read(BOOKS).collect()}


@pytest.fixture
def night(home: Path) -> JobContext:
    return JobContext(MAY_1, settings(), writes=BOOKS)


def test_a_night_replaces_its_own_day_only(night: JobContext, spark: SparkSession) -> None:
    later = JobContext(MAY_2, night.settings, writes=BOOKS)
    night.lake.write(books(spark, MAY_1, 10))
    later.lake.write(books(spark, MAY_2, 20))
    of_later = {row for row in rows(night) if row[-1] == MAY_2}
    for _ in range(2):
        night.lake.write(books(spark, MAY_1, 11))
        assert {row[1] for row in rows(night) if row[-1] == MAY_1} == {11}
        assert {row for row in rows(night) if row[-1] == MAY_2} == of_later
    assert JobContext(MAY_1, night.settings).lake.days(BOOKS) == {MAY_1, MAY_2}


def test_rows_of_another_day_are_refused(night: JobContext, spark: SparkSession) -> None:
    night.lake.write(books(spark, MAY_1, 10))
    before = rows(night)
    with pytest.raises(BadInput, match="1 of 1 rows break 'is of 2022-05-01'; nothing was published"):
        night.lake.write(books(spark, MAY_2, 20))
    assert rows(night) == before


def test_a_commit_says_what_made_it(night: JobContext, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTREEL_RUN_ID", "nightly/2022-05-01/reconciliation/1")
    night.lake.inputs["bronze.behavior_log"] = 7
    night.lake.write(books(spark, MAY_1, 10), model="als-2022-05-01-00000000")
    (commit, *_) = DeltaTable(night.lake.uri(BOOKS)).history()
    made_by = json.loads(commit["userMetadata"])
    assert made_by.pop("code")
    assert made_by.pop("attempt").startswith("2022-05-01-")
    assert len(made_by.pop("content")) == 16
    assert [len(sha256) for sha256 in made_by.pop("files").values()] == [64]
    assert made_by == {
        "rows": 1,
        "date": "2022-05-01",
        "run": "nightly/2022-05-01/reconciliation/1",
        "inputs": {"bronze.behavior_log": 7},
        "model": "als-2022-05-01-00000000",
        "landed": {},
        "rules": {BOOKS: load_contract(BOOKS).digest},
    }


def test_a_row_that_breaks_a_rule_leaves_the_table_as_it_was(night: JobContext, spark: SparkSession) -> None:
    night.lake.write(books(spark, MAY_1, 10))
    before, version = rows(night), lake.version(night.lake.uri(BOOKS))
    unbalanced = books(spark, MAY_1, 10).withColumn("lines_in", F.col("lines_in") + 1)
    with pytest.raises(
        BadInput, match=r"1 of 1 rows break 'books_balance: .*; nothing was published, the rows are in "
    ):
        night.lake.write(unbalanced)
    assert (rows(night), lake.version(night.lake.uri(BOOKS))) == (before, version)


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf"])
def test_a_number_that_is_none_is_a_value_of_no_column(home: Path, spark: SparkSession, bad: str) -> None:
    campaigns = JobContext(MAY_1, settings(), writes="silver.campaigns")
    row = (1, "a", "b", "c", 1, float(bad), 1.0, MAY_1)
    with pytest.raises(BadInput, match="1 of 1 rows break 'has a finite bid'"):
        campaigns.lake.write(spark.createDataFrame([row], load_contract("silver.campaigns").struct_type()))
    kinds = {"number": float(bad), "list": [1.0, float(bad)], "map": {"a": float(bad)}}
    types = {"number": "double", "list": "array<double>", "map": "map<string,double>"}
    for name, type_name in types.items():
        column = Column(name, type_name, required=False, description="", personal=False, volatile=False)
        found = spark.createDataFrame([(kinds[name],), (None,)], f"{name} {type_name}").select(is_finite(column))
        assert [is_finite for (is_finite,) in found.collect()] == [False, True]


def test_columns_must_be_those_of_the_contract(night: JobContext, spark: SparkSession) -> None:
    wrong = (
        books(spark, MAY_1, 10)
        .drop("quarantined")
        .withColumns({"lines_in": F.col("lines_in").cast("int"), "extra": F.lit(1)})
    )
    with pytest.raises(BadInput) as raised:
        night.lake.write(wrong)
    assert str(raised.value) == (
        "ops.reconciliation: column extra is int, but not declared in the contract; "
        "column lines_in is int, but bigint in the contract; "
        "column quarantined is missing, but bigint in the contract; nothing was written"
    )
    assert not night.lake.exists(BOOKS)


def test_a_job_reads_a_table_at_one_version(night: JobContext, spark: SparkSession) -> None:
    night.lake.write(books(spark, MAY_1, 10))
    reader = JobContext(MAY_1, night.settings)
    seen = reader.lake.read(BOOKS).collect()
    night.lake.write(books(spark, MAY_1, 12))
    assert reader.lake.read_day(BOOKS).collect() == seen
    assert reader.lake.arrow(BOOKS).to_table()["lines_in"].to_pylist() == [10]
    assert reader.lake.inputs == {BOOKS: 1}


def test_a_missing_table_or_day_is_named(night: JobContext, spark: SparkSession) -> None:
    with pytest.raises(
        MissingInput, match=r"missing input: ops\.reconciliation; there is no table at .*run a night first"
    ):
        night.lake.read(BOOKS)
    night.lake.write(books(spark, MAY_1, 10))
    later = JobContext(MAY_2, night.settings, writes=BOOKS)
    with pytest.raises(
        MissingInput, match=r"ops\.reconciliation has no rows for 2022-05-02; run the night of 2022-05-02 first"
    ):
        later.lake.read_day(BOOKS)
    assert later.lake.read_day(BOOKS, required=False).collect() == []
    assert later.lake.read_day(BOOKS, MAY_1).count() == 1


def test_a_day_without_rows_is_there_once_it_was_published(night: JobContext, spark: SparkSession) -> None:
    empty = spark.createDataFrame([], load_contract(BOOKS).struct_type())
    assert not night.lake.has_day(BOOKS, MAY_1)
    night.lake.write(empty)
    before = JobContext(MAY_1, night.settings)
    assert [before.lake.has_day(BOOKS, day) for day in (MAY_1, MAY_2)] == [True, False]
    JobContext(MAY_2, night.settings, writes=BOOKS).lake.write(empty)
    assert not before.lake.has_day(BOOKS, MAY_2), "it was published after this job began to read"
    later = JobContext(MAY_2, night.settings)
    assert later.lake.has_day(BOOKS, MAY_2)
    assert later.lake.read_day(BOOKS).collect() == []
    assert later.lake.read_day(BOOKS).schema == load_contract(BOOKS).struct_type()
    assert later.lake.days(BOOKS) == set()
    night.lake.write(books(spark, MAY_1, 10))
    assert JobContext(MAY_1, night.settings).lake.read_day(BOOKS).count() == 1


def test_a_day_that_was_dropped_is_not_there(night: JobContext, spark: SparkSession) -> None:
    night.lake.write(books(spark, MAY_1, 10))
    uri = night.lake.uri(BOOKS)
    nothing = stage.Staged(f"{MAY_1}-dropped", MAY_1, 0, NO_ROWS, ())
    commit.commit(uri, load_contract(BOOKS), nothing, commit.token(uri, MAY_1), {})
    assert not JobContext(MAY_1, night.settings).lake.has_day(BOOKS, MAY_1)
    again = JobContext(MAY_1, night.settings, writes=BOOKS)
    again.lake.write(books(spark, MAY_1, 10).limit(0))
    assert JobContext(MAY_1, night.settings).lake.has_day(BOOKS, MAY_1)


def test_arrow_tables_are_written_as_frames_are(night: JobContext, spark: SparkSession) -> None:
    night.lake.write(books(spark, MAY_1, 10))
    before = rows(night)
    night.lake.write(JobContext(MAY_1, night.settings).lake.arrow(BOOKS).to_table())
    assert rows(night) == before
    night.lake.write(JobContext(MAY_1, night.settings).lake.arrow(BOOKS).to_table().slice(0, 0))
    assert rows(night) == set()


def test_readers_can_filter_by_any_column(night: JobContext) -> None:
    row = {"date": MAY_1, "user_id": "0" * 32, "video_id": 8, "score": 0.5, "model_version": "m", "reason": "why"}
    to = JobContext(MAY_1, night.settings, writes="gold.recommendations")
    rows = pa.Table.from_pylist([row | {"rank": rank, "score": 1 / rank} for rank in (1, 2)])
    to.lake.write(rows.set_column(6, "rank", rows["rank"].cast(pa.int32())))
    table = DeltaTable(to.lake.uri("gold.recommendations"))
    dataset = table.to_pyarrow_dataset()
    (of_second,) = dataset.to_table(filter=ds.field("rank") == 2).to_pylist()
    for name, value in of_second.items():
        found = dataset.to_table(filter=ds.field(name) == value).to_pylist()
        assert of_second in found, name
        assert pl.scan_delta(table).filter(pl.col(name) == value).collect().to_dicts() == found
        asked = duckdb.execute(f"select * from dataset where {name} = $1", [value])
        assert asked.fetchall() == [tuple(row.values()) for row in found]


def test_a_process_ends_well_right_after_a_scan(night: JobContext, spark: SparkSession) -> None:
    night.lake.write(books(spark, MAY_1, 10))
    scan = (
        "import sys; from jobs.platform import lake; "
        "print(lake.arrow(sys.argv[1], 1).to_table()['lines_in'].to_pylist())"
    )
    for _ in range(5):  # by delta-rs's file system, 22 of 30 were aborted at their end
        ended = subprocess.run([sys.executable, "-c", scan, night.lake.uri(BOOKS)], capture_output=True, text=True)
        assert (ended.returncode, ended.stdout) == (0, "[10]\n"), ended.stderr
