"""gold.video_features: performance of each video and its author in the last 1, 3 and 7 days, as of the end of the night.

Every video of the night's snapshot has a row, also new videos without views, and so does every video that was watched. The
statistics tables of data sets are not used, because they include days after the night.
"""

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.features.event_window import LONGEST, WINDOWS, events_in_window, rates, sum_names, window_sums
from jobs.platform.job import run_job

_VIEWERS = [f"viewers_{window}d" for window in WINDOWS]


def transform(events: DataFrame, videos: DataFrame, date: dt.date) -> DataFrame:
    """Return one row per video.

    Args:
        events: silver.behavior_events; rows that happened or arrived after the night are left out.
        videos: silver.videos as of the night.
        date: the night.

    Returns:
        The columns of gold.video_features. Columns of the snapshot (author, age) are null for videos that are not in it.
    """
    recent = events_in_window(events, date, LONGEST)
    # Viewers are counted as groups of (video, user): a distinct count per window would shuffle every event once more.
    by_viewer = recent.groupBy("video_id", "user_id").agg(
        *window_sums(), F.min("days_ago").alias("days_since_last_view")
    )
    watched = by_viewer.groupBy("video_id").agg(
        *(F.sum(name).alias(name) for name in sum_names()),
        *(F.count_if(F.col(f"views_{window}d") > 0).alias(f"viewers_{window}d") for window in WINDOWS),
        F.min("days_since_last_view").alias("days_since_last_view"),
    )
    days = F.datediff(F.lit(date), "upload_dt")
    age = F.when(days < 0, 0).otherwise(days).alias("age_days")  # a video dated after the night is new
    counted = (
        videos.select("video_id", "author_id", age)
        .join(watched, "video_id", "full_outer")
        .withColumns({name: F.coalesce(name, F.lit(0)) for name in [*sum_names(), *_VIEWERS]})
    )
    authors = (
        counted.where("author_id IS NOT NULL")
        .groupBy("author_id")
        .agg(
            F.sum(f"views_{LONGEST}d").alias("author_views_7d"),
            F.sum(f"long_views_{LONGEST}d").alias("author_long_views_7d"),
        )
    )
    return counted.join(authors, "author_id", "left").select(
        "video_id",
        *sum_names(),
        *rates(),
        *_VIEWERS,
        "author_id",
        "author_views_7d",
        F.try_divide("author_long_views_7d", "author_views_7d").alias("author_long_view_rate_7d"),
        "age_days",
        "days_since_last_view",
        F.lit(date).alias("date"),
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's video features."""
    with run_job(argv, __doc__, writes="gold.video_features") as context:
        context.lake.read_day("silver.behavior_events")  # a night that was not ingested is an error
        events, videos = context.lake.read("silver.behavior_events"), context.lake.read_day("silver.videos")
        context.lake.write(transform(events, videos, context.date))


if __name__ == "__main__":
    main()
