"""Some files of a day are rewritten: the day is as if all of it had been written again, and its other files stay."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.platform import lake
from jobs.platform.errors import BadInput
from jobs.platform.job_context import JobContext
from jobs.platform.lake.verify import verify
from jobs.platform.settings import settings
from schemas.contract import load_contract
from tests.jobs.lake import arrow

TABLE = "gold.daily_interactions"
CONTRACT = load_contract(TABLE)
MAY_1, MAY_2 = dt.date(2022, 5, 1), dt.date(2022, 5, 2)
FILES, VIDEOS = 4, range(40)


@pytest.fixture
def uri(home: Path, spark: SparkSession) -> str:
    """The location of a table with two days, each of several files that have other videos."""
    for day in (MAY_1, MAY_2):
        same = {"date": day, "event_date": day, "views": 1}
        rows = arrow(TABLE, [same | {"user_id": f"{video % 7:032x}", "video_id": video} for video in VIDEOS])
        JobContext(day, settings(), writes=TABLE).lake.write(
            spark.createDataFrame(rows).repartitionByRange(FILES, "video_id")
        )
    return settings().uri(TABLE)


def files_with(uri: str, spark: SparkSession, video: int) -> list[str]:
    """Files of the day with rows of a video, by path below the table."""
    paths = [file.path for file in lake.files(uri, CONTRACT) if file.day == MAY_1]
    return [p for p in paths if spark.read.parquet(f"{uri}/{p}").where(f"video_id = {video}").count()]


def rewrite(uri: str, spark: SparkSession, paths: list[str], new_rows: Callable[[DataFrame], DataFrame]) -> None:
    lake.rewrite_files(spark, CONTRACT, uri, lake.latest(uri)[MAY_1], paths, new_rows, lake.token(uri, MAY_1), {})


def without(video: int) -> Callable[[DataFrame], DataFrame]:
    return lambda rows: rows.where(F.col("video_id") != video)


def test_a_rewritten_day_equals_one_that_was_written_again(uri: str, spark: SparkSession) -> None:
    of_may_2 = lake.latest(uri)[MAY_2]
    for video in (3, 39, 4):  # the last one's file has been rewritten before
        before = lake.latest(uri)[MAY_1]
        paths = files_with(uri, spark, video)
        rewrite(uri, spark, paths, without(video))
        after = lake.latest(uri)[MAY_1]
        assert len(paths) == 1
        assert before.files.items() - after.files.items() == {(paths[0], before.files[paths[0]])}
        assert len(after.files) == FILES
        assert lake.consists_of(uri, CONTRACT, after)
    assert lake.latest(uri)[MAY_2] == of_may_2
    assert list(verify(settings(), TABLE)) == []

    context = JobContext(MAY_1, settings(), writes=TABLE)
    rows = context.lake.read_day(TABLE)
    assert {row.video_id for row in rows.collect()} == {*VIDEOS} - {3, 39, 4}
    context.lake.write(rows)
    again = lake.latest(uri)[MAY_1]
    assert (after.rows, after.content) == (again.rows, again.content)


def test_files_without_a_row_left_are_removed(uri: str, spark: SparkSession) -> None:
    paths = [file.path for file in lake.files(uri, CONTRACT) if file.day == MAY_1]
    rewrite(uri, spark, paths[:1], lambda rows: rows.where("false"))
    assert len(lake.latest(uri)[MAY_1].files) == FILES - 1
    rewrite(uri, spark, paths[1:], lambda rows: rows.where("false"))
    emptied = lake.latest(uri)[MAY_1]
    assert (emptied.rows, emptied.content, emptied.files) == (0, "0" * 16, {})
    assert list(verify(settings(), TABLE)) == []


def test_readers_still_skip_the_files_that_stay(uri: str, spark: SparkSession) -> None:
    bounds = {file.path: file.bounds for file in lake.files(uri, CONTRACT)}
    rewrite(uri, spark, files_with(uri, spark, 3), without(3))
    kept = {file.path: file.bounds for file in lake.files(uri, CONTRACT) if file.path in bounds}
    assert len(kept) == 2 * FILES - 1
    assert kept == {path: bounds[path] for path in kept}
    assert all(kept.values())


def test_rows_that_break_the_contract_are_not_published(uri: str, spark: SparkSession) -> None:
    before = lake.latest(uri)[MAY_1]
    with pytest.raises(BadInput, match="nothing was published"):
        rewrite(uri, spark, list(before.files)[:1], lambda rows: rows.withColumn("date", F.lit(MAY_2)))
    assert lake.latest(uri)[MAY_1] == before
    with pytest.raises(lake.Overtaken):
        lake.rewrite_files(spark, CONTRACT, uri, before, list(before.files)[:1], lambda rows: rows, 0, {})
    assert lake.latest(uri)[MAY_1] == before
