"""Check that Java and Python have the same time zone data: Spark dates events with Java's, nights are scheduled with Python's.

Governments change time zone rules at short notice, so one installation may be newer than the other.
"""

import datetime as dt

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from jobs.platform.errors import UsageError
from jobs.platform.job_context import JobContext
from schemas.days import beginning, day_of


def check(context: JobContext) -> None:
    """Check that Spark and Python agree on the beginnings of all days that the night's events may belong to.

    Raises:
        UsageError: they disagree, or Java does not know the lake's zone.
    """
    zone = context.settings.timezone
    days = [context.date + dt.timedelta(days=number) for number in range(-context.settings.late_days, 2)]
    beginnings = [int(beginning(day, zone).timestamp()) for day in days]
    seconds = sorted({*beginnings, *(second - 1 for second in beginnings)})
    spark = context.spark  # created first, because functions need an active session
    local = [F.from_utc_timestamp(F.timestamp_seconds(F.lit(second)), zone.key) for second in seconds]
    try:
        row = spark.range(1).select(*(F.to_date(time).alias(f"_{n}") for n, time in enumerate(local))).first()
    except PySparkException as error:
        if error.getCondition() != "INVALID_TIMEZONE":
            raise
        raise UsageError(
            f"NIGHTREEL_TIMEZONE={zone.key!r} is unknown to Java, whose time zone data is older; update Java, or use another "
            "name of the zone"
        ) from error
    assert row is not None  # the range has one row
    for second, by_java in zip(seconds, row, strict=True):
        moment = dt.datetime.fromtimestamp(second, dt.UTC)
        if by_java != (by_python := day_of(moment, zone)):
            raise UsageError(
                f"NIGHTREEL_TIMEZONE={zone.key!r}: at {moment:%Y-%m-%d %H:%M:%S} UTC it is {by_python} by Python's time zone "
                f"data and {by_java} by Java's; update the older one, the system's tzdata or Java"
            )
