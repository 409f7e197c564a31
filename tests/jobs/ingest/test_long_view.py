"""The rule for long views agrees with the flag of a real log, in numpy and in Spark."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs.ingest.long_view import ENOUGH_S, is_long_view, long_view_sql

_ENOUGH_MS = 1000 * ENOUGH_S


def test_kuairands_own_flag_is_what_the_rule_says(shared_data: Path) -> None:
    columns = ["play_time_ms", "duration_ms", "long_view"]
    log = pl.concat([pl.read_csv(path, columns=columns) for path in (shared_data / "kuairand" / "logs").glob("*.gz")])
    assert log.height > 100_000
    said = is_long_view(log["play_time_ms"].to_numpy(), log["duration_ms"].to_numpy())
    assert (said == (log["long_view"].to_numpy() == 1)).all()


@pytest.mark.parametrize(
    ("play_time_ms", "duration_ms", "long"),
    [
        (7_000, 7_900, True),  # both are 7 s
        (6_999, 7_000, False),
        (_ENOUGH_MS, 60_000, True),
        (_ENOUGH_MS - 1, 60_000, False),
        (_ENOUGH_MS - 1, 0, False),  # of a length that is not known
        (_ENOUGH_MS, 0, True),
    ],
)
def test_times_count_in_whole_seconds(spark: SparkSession, play_time_ms: int, duration_ms: int, long: bool) -> None:
    row = pa.table({"played": [f"{play_time_ms}"], "length": [f"{duration_ms}.0"]})
    (in_spark,) = spark.createDataFrame(row).selectExpr(long_view_sql("played", "length")).collect()
    (in_numpy,) = is_long_view(pl.Series([play_time_ms]).to_numpy(), pl.Series([duration_ms]).to_numpy())
    assert in_spark[0] == str(int(in_numpy)) == str(int(long))
