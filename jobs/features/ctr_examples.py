"""gold.ctr_examples: one row per impression, with the click as label and the features that were known before the day began.

The impressions of night D happened on D and had arrived by the end of D. An impression that arrives later is in no night's
examples: adding it to its own night would change the result of a rerun.

Except for the context of the request (hour, tab), no column uses data of D or later: features are those of D-1. For the snapshots
of users and videos see `jobs.features.click_features`.
"""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.features.click_features import with_click_features
from jobs.features.user_features import event_hour
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from schemas.contract import load_contract

TABLE = "gold.ctr_examples"


def transform(
    events: DataFrame,
    user_features_before: DataFrame,
    video_features_before: DataFrame,
    users: DataFrame,
    videos: DataFrame,
    date: dt.date,
    zone: ZoneInfo,
) -> DataFrame:
    """Return the examples of one day.

    Args:
        events: silver.behavior_events.
        user_features_before: gold.user_features of the day before `date`.
        video_features_before: gold.video_features of the day before `date`.
        users: snapshots of silver.users.
        videos: snapshots of silver.videos.
        date: the day of the impressions.
        zone: time zone of the column `hour`.
    """
    impressions = events.where((F.col("event_date") == F.lit(date)) & (F.col("arrival_date") <= F.lit(date))).select(
        "user_id",
        "video_id",
        "time_ms",
        F.col("is_click").alias("label"),
        event_hour(F.col("time_ms"), zone).alias("hour"),
        "tab",
        F.lit(date).alias("date"),
    )
    described = with_click_features(impressions, user_features_before, video_features_before, users, videos, date)
    return described.select(*(column.name for column in load_contract(TABLE).columns))


def snapshots(context: JobContext, table: str, until: dt.date) -> DataFrame:
    """Return the two snapshots that impressions of `until` need: the snapshot of that day and the latest one before it.

    Raises:
        MissingInput: there is no snapshot table yet.
    """
    earlier = [day for day in context.lake.days(table) if day < until]
    days = [until, *([max(earlier)] if earlier else [])]
    return context.lake.read(table).where(F.col("arrival_date").isin(days))


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's examples."""
    with run_job(argv, __doc__, writes=TABLE) as context:
        before = context.date - dt.timedelta(days=1)
        first = min(context.lake.days("silver.behavior_events"), default=context.date)
        has_previous = context.date > first  # only the first day of a lake has no features of the previous day
        rows = transform(
            context.lake.read_day("silver.behavior_events"),
            context.lake.read_day("gold.user_features", before, required=has_previous),
            context.lake.read_day("gold.video_features", before, required=has_previous),
            snapshots(context, "silver.users", context.date),
            snapshots(context, "silver.videos", context.date),
            context.date,
            context.settings.timezone,
        )
        context.lake.write(rows)


if __name__ == "__main__":
    main()
