"""What a table's log tells other engines: what a commit did, and the bounds of files, by which readers skip but lose no row."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.dataset as ds
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.integrity import maintenance
from jobs.platform import lake
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from schemas.contract import load_contract
from tests.jobs.lake import arrow, publish_rows

TABLE = "silver.videos"
DAYS = [dt.date(2022, 5, day) for day in (1, 2, 3)]
ROWS = [
    {
        "video_id": 10 * place + n,
        "title": f"title {n}",
        "tags": ["a"],
        "arrival_date": day,
        "server_width": None if n % 2 else n,
    }
    for place, day in enumerate(DAYS)
    for n in range(4)
]


def actions(uri: str, version: int) -> dict[str, list[dict[str, Any]]]:
    """The actions of a commit by kind."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in Path(uri, "_delta_log", f"{version:020}.json").read_text().splitlines():
        ((kind, action),) = json.loads(line).items()
        found.setdefault(kind, []).append(action)
    return found


@pytest.fixture
def table(home: Path, spark: SparkSession) -> str:
    """A table whose first day was written before its log had bounds."""
    uri = settings().uri(TABLE)
    lake.create(load_contract(TABLE), uri)
    for day in DAYS:
        of_day = [row for row in ROWS if row["arrival_date"] == day]
        if day == DAYS[0]:
            with pytest.MonkeyPatch.context() as before:
                before.setattr("jobs.platform.lake.stage._bounds", lambda footer, columns: {})
                publish_rows(home, TABLE, day, of_day)
        else:
            publish_rows(home, TABLE, day, of_day)
    return uri


def test_no_engine_loses_a_row_by_the_bounds_of_files(table: str, spark: SparkSession) -> None:
    whole = DeltaTable(table).to_pyarrow_table().to_pylist()
    assert len(whole) == len(ROWS)
    dataset = DeltaTable(table).to_pyarrow_dataset()
    ours = lake.arrow(table, DeltaTable(table).version())
    lazy, frame = pl.scan_delta(table), spark.read.format("delta").load(table)
    for name in (c.name for c in load_contract(TABLE).columns if not c.type.startswith("array<")):
        for value in {row[name] for row in whole}:
            filtered = ds.field(name).is_null() if value is None else ds.field(name) == value
            condition = f"{name} is null" if value is None else f"{name} = '{value}'"
            found = {
                "delta-rs": dataset.to_table(filter=filtered)["video_id"].to_pylist(),
                "our reader": ours.to_table(filter=filtered)["video_id"].to_pylist(),
                "polars": lazy.filter(pl.col(name).eq_missing(pl.lit(value))).collect()["video_id"].to_list(),
                "DuckDB": [i for (i,) in duckdb.execute(f"select video_id from dataset where {condition}").fetchall()],
                "Spark": [row.video_id for row in frame.where(condition).collect()],
            }
            expected = sorted(row["video_id"] for row in whole if row[name] == value)
            assert {engine: sorted(ids) for engine, ids in found.items()} == dict.fromkeys(found, expected), name


def test_readers_skip_files_by_bounds(table: str, spark: SparkSession) -> None:
    assert "video_id" in load_contract(TABLE).stats_columns
    dataset = DeltaTable(table).to_pyarrow_dataset()
    of_last = ds.field("video_id") >= 20
    assert len(list(dataset.get_fragments())) == 3
    assert len(list(dataset.get_fragments(filter=of_last))) == 2, (
        "the last day, and the first, whose bounds nobody knows"
    )
    scanned = spark.read.format("delta").load(table).where("video_id >= 20")
    assert scanned.count() == 4
    assert len(scanned.inputFiles()) == 2


def test_no_personal_column_has_bounds(home: Path, spark: SparkSession) -> None:
    for name in ("silver.behavior_events", "silver.users", "gold.recommendations"):
        personal = {c.name for c in load_contract(name).columns if c.personal}
        assert personal
        assert personal.isdisjoint(load_contract(name).stats_columns)
    user = {"user_id": "5e" * 16, "arrival_date": DAYS[0], "event_date": DAYS[0]}
    publish_rows(home, "silver.behavior_events", DAYS[0], [user])
    log = actions(settings().uri("silver.behavior_events"), 1)
    assert "5e" * 16 not in json.dumps(log["add"])
    assert set(json.loads(log["add"][0]["stats"])["minValues"]) == set(
        load_contract("silver.behavior_events").stats_columns
    )


def test_a_replaced_day_is_recorded_as_an_overwrite_of_it(table: str, home: Path, spark: SparkSession) -> None:
    publish_rows(home, TABLE, DAYS[1], ROWS[:2])
    (commit, *_) = DeltaTable(table).history()
    assert commit["operation"] == "WRITE"
    described = spark.sql(f"DESCRIBE HISTORY delta.`{table}`").orderBy(F.desc("version")).first()
    assert described is not None
    for parameters in (commit["operationParameters"], described.operationParameters):
        assert parameters["mode"] == "Overwrite"
        assert parameters["predicate"] == f"arrival_date = '{DAYS[1]}'"
    log = actions(table, commit["version"])
    assert [kind["dataChange"] for kind in (*log["add"], *log["remove"])] == [True, True]


def test_files_that_are_only_joined_change_no_data(home: Path, spark: SparkSession) -> None:
    night = JobContext(DAYS[0], settings(), writes=TABLE)
    night.lake.write(spark.createDataFrame(arrow(TABLE, ROWS[:4]), load_contract(TABLE).struct_type()).repartition(2))
    assert len(lake.files(night.lake.uri(TABLE), load_contract(TABLE))) == 2
    assert maintenance._compact(JobContext(DAYS[2], settings()), TABLE, DAYS[0]) == 2
    log = actions(night.lake.uri(TABLE), DeltaTable(night.lake.uri(TABLE)).version())
    assert [kind["dataChange"] for kind in (*log["add"], *log["remove"])] == [False] * 3
