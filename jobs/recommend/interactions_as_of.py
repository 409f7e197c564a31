"""The interactions of users and videos as of the end of a night: the sums of gold.daily_interactions over the last 30 days.

Strength halves every 7 days; the age of an event is the number of days from its own day to the night. `strength_before` and the
other `*_before` columns leave out the night's own day and are as of the end of the day before, so that the same rows can be used
to train on the past, evaluate on the day, and retrain on everything. A view of an earlier day that arrived late belongs to the
past.

One query defines this. DuckDB evaluates it in bounded memory for models that are trained in one process, Spark for what exceeds
one machine. Both give the same rows to the last bit: the query sums integers, also for the decay, which is a whole number of
millionths for each day.
"""

import datetime as dt
import tempfile
from typing import TYPE_CHECKING

import pyarrow as pa

from jobs.platform.job_context import JobContext
from jobs.platform.phases import Phase, phase

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TABLE = "gold.daily_interactions"
HALF_LIFE_DAYS = 7.0
LOOKBACK_DAYS = 30

_MEMORY = "1GB"
"""Memory of DuckDB's aggregation, which continues on the disk beyond it."""

_QUERY = """
select
    user_id,
    video_id,
    cast(sum(strength_millionths * weight) as bigint) / 1e12 as strength,
    cast(sum(strength_millionths * weight_before) as bigint) / 1e12 as strength_before,
    cast(sum(views * is_before) as int) as views_before,
    cast(sum(long_views * is_before) as int) as long_views_before,
    cast(sum(likes * is_before) as int) as likes_before,
    cast(sum(views * (1 - is_before)) as int) as views_on_day,
    cast(sum(long_views * (1 - is_before)) as int) as long_views_on_day,
    cast(sum(likes * (1 - is_before)) as int) as likes_on_day,
    max(event_date) as last_event_date,
    max(case when is_before = 1 then event_date end) as last_event_date_before
from {daily} join (values {days}) as days(event_date, weight, weight_before, is_before) using (event_date)
where date between date '{first}' and date '{night}'
group by user_id, video_id
"""


def interactions_as_of(context: JobContext) -> "DataFrame":
    """Return one row per user and video with a view in the last 30 days, as a Spark data frame.

    Raises:
        MissingInput: gold.daily_interactions lacks a day of the window.
    """
    context.lake.check_days(TABLE, window(context.date))
    return context.spark.sql(query(context.date, "{daily}"), daily=context.lake.read(TABLE))


def arrow_interactions_as_of(context: JobContext) -> pa.Table:
    """Return the rows of `interactions_as_of` without Spark, in any order. The rows have to fit into memory, their sources not.

    Raises:
        MissingInput: gold.daily_interactions lacks a day of the window.
    """
    import duckdb  # not every job that imports this module reads interactions

    context.lake.check_days(TABLE, window(context.date))
    with (
        phase(Phase.READ),
        tempfile.TemporaryDirectory() as folder,
        duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": folder}) as connection,
    ):
        connection.register("daily", context.lake.arrow(TABLE))
        return connection.sql(query(context.date, "daily")).to_arrow_table()


def query(night: dt.date, daily: str) -> str:
    """Return the query in SQL that DuckDB and Spark understand.

    Args:
        night: the night.
        daily: the name of the table with the rows of gold.daily_interactions.
    """
    days = ", ".join(
        f"(date '{day}', {_decay(age)}, {_decay(age - 1) if age else 0}, {int(age > 0)})"
        for age, day in enumerate(window(night))
    )
    return _QUERY.format(daily=daily, days=days, first=window(night)[-1], night=night)


def window(night: dt.date) -> list[dt.date]:
    """Return the 30 days that count. Events arrive on or after their own day, so these are also the nights to read."""
    return [night - dt.timedelta(days=age) for age in range(LOOKBACK_DAYS)]


def _decay(age: int) -> int:
    """Return the share of its strength that an event still has after some days, in millionths."""
    return round(0.5 ** (age / HALF_LIFE_DAYS) * 1_000_000)
