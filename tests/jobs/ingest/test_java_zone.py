"""Where Spark would date an event otherwise than the schedule, in whatever zone, ingest says so instead."""

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import functions as F

from jobs.ingest import java_zone
from jobs.platform.errors import UsageError
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from schemas.days import day_of
from tests.schemas.changes import zones

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

DAY = dt.date(2022, 5, 1)


def check(monkeypatch: pytest.MonkeyPatch, zone: str, day: dt.date = DAY) -> None:
    monkeypatch.setenv("NIGHTREEL_TIMEZONE", zone)
    java_zone.check(JobContext(day, settings()))


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Asia/Shanghai", DAY),
        ("Africa/Cairo", dt.date(2024, 4, 26)),
        ("America/Santiago", dt.date(2022, 9, 11)),
        ("America/Havana", dt.date(2022, 11, 6)),
        ("America/St_Johns", dt.date(2006, 10, 29)),
        ("Pacific/Apia", dt.date(2011, 12, 31)),
    ],
)
def test_most_nights_are_the_same(
    spark: "SparkSession", home: "Path", monkeypatch: pytest.MonkeyPatch, zone: str, day: dt.date
) -> None:
    check(monkeypatch, zone, day)


def test_a_zone_that_java_does_not_know_is_one_line(
    spark: "SparkSession", home: "Path", monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="NIGHTREEL_TIMEZONE='ROC' is unknown to Java"):
        check(monkeypatch, "ROC")  # an old name of Asia/Taipei


def test_other_clocks_are_named_with_both_days(
    spark: "SparkSession", home: "Path", monkeypatch: pytest.MonkeyPatch
) -> None:
    # Java's data stands for an old one: Asia/Tokyo's clocks under the name of Asia/Shanghai.
    real = F.from_utc_timestamp
    monkeypatch.setattr(F, "from_utc_timestamp", lambda time, zone: real(time, "Asia/Tokyo"))
    with pytest.raises(UsageError) as refused:
        check(monkeypatch, "Asia/Shanghai")
    assert str(refused.value) == (
        "NIGHTREEL_TIMEZONE='Asia/Shanghai': at 2022-04-27 15:59:59 UTC it is 2022-04-27 by Python's time zone data and "
        "2022-04-28 by Java's; update the older one, the system's tzdata or Java"
    )


def test_spark_dates_the_moments_around_all_changes_of_clocks_as_python_does(spark: "SparkSession") -> None:
    rows = []
    for zone, changes in zones().items():
        for at, new in changes[1:]:
            midnight = -(at + new) % 86_400  # seconds until the next one
            rows += [(zone.key, at + more) for more in (-1, 0, midnight - 1, midnight, midnight - 86_400)]
    frame = spark.createDataFrame(rows, "zone string, at long").where(~F.col("zone").isin("ROC", "America/Coyhaique"))
    dated = frame.withColumn("day", F.to_date(F.from_utc_timestamp(F.timestamp_seconds("at"), F.col("zone"))))
    other = {
        (row.zone, row.at)
        for row in dated.collect()
        if row.day != day_of(dt.datetime.fromtimestamp(row.at, dt.UTC), ZoneInfo(row.zone))
    }
    # Of two installations one may be older, and knows other clocks of a few zones: what `check` is for.
    assert len(other) < 0.02 * len(rows), sorted(other)[:20]
