"""A question about one user or one video reads few row groups of a day, and finds every row."""

import datetime as dt
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, QueryBuilder
from pyspark.sql import SparkSession

from jobs.integrity import maintenance
from jobs.platform import lake
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from schemas.contract import Contract, load_contract
from tests.jobs.lake import arrow

MAY_1, MAY_2 = dt.date(2022, 5, 1), dt.date(2022, 5, 2)
EVENTS, INTERACTIONS = "silver.behavior_events", "gold.daily_interactions"
COUNT, GROUP = 2000, 100


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.platform.lake.stage._ROWS_PER_GROUP", GROUP)


def some_rows(table: str) -> pa.Table:
    """All pairs of 40 users and 50 videos, in an order by neither."""
    pairs = [divmod(n * 7919 % COUNT, 50) for n in range(COUNT)]
    days = {"date": MAY_1, "arrival_date": MAY_1, "event_date": MAY_1}
    declared = {column.name for column in load_contract(table).columns}
    row = {name: value for name, value in {**days, "views": 1}.items() if name in declared}
    return arrow(table, [row | {"user_id": f"{user:032x}", "video_id": video} for user, video in pairs])


def groups_read(uri: str, question: ds.Expression) -> int:
    """The number of row groups that Arrow, and so DuckDB, cannot skip."""
    fragments = lake.arrow(uri, DeltaTable(uri).version()).get_fragments(filter=question)
    return sum(len(fragment.split_by_row_group(filter=question)) for fragment in fragments)


def of_query(table: DeltaTable, sql: str) -> list[object]:
    """The values of the one column that a query of delta-rs's own engine returns, over the table `rows`."""
    result = pa.table(QueryBuilder().register("rows", table).execute(sql).read_all())
    return result.column(0).to_pylist()


def check_sorted(uri: str, contract: Contract) -> None:
    """Each file of the table has its rows in the contract's order."""
    for file in lake.files(uri, contract):
        rows = pq.ParquetFile(f"{uri}/{file.path}").read().to_pylist()
        keys = [tuple(row[name] for name in contract.sort_order if name in row) for row in rows]
        assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("table", "column", "by"),
    [(EVENTS, "user_id", "Spark"), (INTERACTIONS, "video_id", "Spark"), (EVENTS, "user_id", "Arrow")],
)
def test_a_question_reads_few_row_groups_and_finds_every_row(
    home: Path, spark: SparkSession, table: str, column: str, by: str
) -> None:
    written = some_rows(table)
    night = JobContext(MAY_1, settings(), writes=table)
    night.lake.write(written if by == "Arrow" else spark.createDataFrame(written).repartition(2))
    uri = night.lake.uri(table)
    assert len(lake.files(uri, load_contract(table))) == (1 if by == "Arrow" else 2)
    for _ in range(2):  # before and after the files are joined
        assert groups_read(uri, ds.scalar(value=True)) >= COUNT / GROUP
        delta = DeltaTable(uri)
        dataset, lazy, frame = delta.to_pyarrow_dataset(), pl.scan_delta(delta), spark.read.format("delta").load(uri)
        for value in (written[column][0].as_py(), written[column][1].as_py()):
            condition = f"{column} = '{value}'"
            other = "video_id" if column == "user_id" else "user_id"
            found = {
                "Arrow": dataset.to_table(filter=ds.field(column) == value)[other].to_pylist(),
                "delta-rs": of_query(delta, f"select {other} from rows where {condition}"),
                "polars": lazy.filter(pl.col(column) == value).collect()[other].to_list(),
                "DuckDB": [i for (i,) in duckdb.execute(f"select {other} from dataset where {condition}").fetchall()],
                "Spark": [row[other] for row in frame.where(condition).collect()],
            }
            expected = sorted(row[other] for row in written.to_pylist() if row[column] == value)
            assert {engine: sorted(ids) for engine, ids in found.items()} == dict.fromkeys(found, expected)
            assert groups_read(uri, ds.field(column) == value) <= 4
        check_sorted(uri, load_contract(table))
        maintenance._compact(JobContext(MAY_2, settings()), table, MAY_1)
        assert len(lake.files(uri, load_contract(table))) == 1


def test_a_large_day_is_joined_to_files_without_common_videos(
    home: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = JobContext(MAY_1, settings(), writes=INTERACTIONS)
    night.lake.write(spark.createDataFrame(some_rows(INTERACTIONS)).repartition(3))
    uri = night.lake.uri(INTERACTIONS)
    size = sum(file.size for file in lake.files(uri, load_contract(INTERACTIONS)))
    monkeypatch.setattr(maintenance, "_FILE_BYTES", size // 2)
    maintenance._compact(JobContext(MAY_2, settings()), INTERACTIONS, MAY_1)
    assert len(DeltaTable(uri).file_uris()) == 2
    assert len(list(DeltaTable(uri).to_pyarrow_dataset().get_fragments(filter=ds.field("video_id") == 3))) == 1
