"""The interactions as of a night: the same rows from DuckDB and Spark, and an error if a day of the window is missing."""

import datetime as dt
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs.platform.errors import MissingInput
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.recommend.interactions_as_of import LOOKBACK_DAYS, TABLE, arrow_interactions_as_of, interactions_as_of
from tests.jobs.lake import insert_rows, publish_rows

NIGHT = dt.date(2022, 5, 31)
EVENTS = "silver.behavior_events"


def ago(days: int) -> dt.date:
    return NIGHT - dt.timedelta(days=days)


def as_of_night() -> JobContext:
    return JobContext(NIGHT, settings(), trains="recommender")


def in_order(rows: pa.Table) -> pa.Table:
    return rows.sort_by([("user_id", "ascending"), ("video_id", "ascending")])


def test_both_engines_give_the_same_rows_to_the_last_bit(home: Path, spark: SparkSession) -> None:
    chance = random.Random(1)
    rows: list[dict[str, Any]] = [
        {
            "user_id": f"{chance.randrange(9):032x}",
            "video_id": chance.randrange(9),
            "event_date": ago(arrived + late),
            "views": chance.randrange(1, 9),
            "long_views": chance.randrange(2),
            "likes": chance.randrange(2),
            "strength_millionths": chance.randrange(-3_000_000, 40_000_000),
            "date": ago(arrived),
        }
        for arrived in range(-3, LOOKBACK_DAYS + 3)
        for late in range(4)
        for _ in range(5)
    ]
    insert_rows(home, TABLE, rows)
    one, two = arrow_interactions_as_of(as_of_night()), interactions_as_of(as_of_night()).toArrow()
    assert one.num_rows > 50
    assert in_order(one).to_pylist() == in_order(two).to_pylist()
    assert [(field.name, field.type) for field in one.schema] == [(field.name, field.type) for field in two.schema]
    seen = {(row["user_id"], row["video_id"]) for row in rows if ago(29) <= row["event_date"] and row["date"] <= NIGHT}
    assert {(row["user_id"], row["video_id"]) for row in one.to_pylist()} == seen


def test_a_lake_from_before_the_table_is_not_trained_on_in_part(home: Path) -> None:
    for day in (ago(40), ago(9), ago(8), ago(3), ago(0)):
        publish_rows(home, EVENTS, day, [{"arrival_date": day, "event_date": day}])
    publish_rows(home, TABLE, ago(0), [{"views": 1, "date": ago(0), "event_date": ago(0)}])
    publish_rows(home, TABLE, ago(8), [])
    command = f"run it first: make backfill FROM={ago(9)} TO={ago(3)} TABLES=gold.daily_interactions"
    with pytest.raises(MissingInput, match=f"gold.daily_interactions has no rows for {ago(9)}; {command}"):
        arrow_interactions_as_of(as_of_night())
    for day in (ago(9), ago(3)):
        publish_rows(home, TABLE, day, [])
    context = as_of_night()
    assert arrow_interactions_as_of(context).num_rows == 1
    assert context.lake.inputs.keys() == {TABLE}, "the check of other tables is no input"


def test_the_night_itself_is_needed(home: Path) -> None:
    publish_rows(home, TABLE, ago(1), [{"views": 1, "date": ago(1), "event_date": ago(1)}])
    with pytest.raises(MissingInput, match=f"has no rows for {NIGHT}"):
        arrow_interactions_as_of(as_of_night())
