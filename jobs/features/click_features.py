"""Features of an impression that are known before its day begins; used for training examples and for scoring campaigns.

The features of impressions of day D are

* their context, known at request time: hour of day and tab;
* gold.user_features and gold.video_features of D-1;
* columns of the user and video snapshots, which are taken at the end of the day on which they arrive. Columns that change with
  behaviour (followers, activity) come from snapshots that arrived before D. Columns that are fixed when a user registers or a
  video is uploaded (author, tags, length) may come from D's own snapshot if no earlier one contains the user or video, because
  they were known before the first impression. This also covers the first day of a lake, which has no earlier snapshot.

Unknown values are null.
"""

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.features.event_window import WINDOWS

_COUNTS = ("views", "long_views", "clicks", "likes", "follows", "comments", "forwards", "watch_time_ms")
_RATES = ("long_view_rate_7d", "click_rate_7d", "like_rate_7d")
_WINDOWED = tuple(f"{count}_{window}d" for count in _COUNTS for window in WINDOWS)

USER_FEATURES = (*_WINDOWED, *_RATES, "days_since_last_view")
"""Columns of gold.user_features that are used unchanged, with the prefix `user_`."""

VIDEO_FEATURES = (
    *USER_FEATURES,
    *(f"viewers_{window}d" for window in WINDOWS),
    "author_views_7d",
    "author_long_view_rate_7d",
)
"""Columns of gold.video_features that are used unchanged, with the prefix `video_`."""

USER_FIXED = tuple(f"onehot_feat{number}" for number in range(18))
USER_CHANGING = (
    "user_active_degree",
    "is_live_streamer",
    "is_video_author",
    "follow_user_num",
    "fans_user_num",
    "friend_user_num",
    "register_days",
)
VIDEO_FIXED = (
    "author_id",
    "tags",
    "video_type",
    "upload_type",
    "upload_dt",
    "music_type",
    "video_duration",
    "server_width",
    "server_height",
)


def with_click_features(
    impressions: DataFrame,
    user_features_before: DataFrame,
    video_features_before: DataFrame,
    users: DataFrame,
    videos: DataFrame,
    date: dt.date,
) -> DataFrame:
    """Add the features of each impression.

    Args:
        impressions: user_id, video_id, hour and tab of each; other columns are passed through.
        user_features_before: gold.user_features of the day before `date`.
        video_features_before: gold.video_features of the day before `date`.
        users: snapshots of silver.users; snapshots that arrived after `date` are ignored.
        videos: snapshots of silver.videos; likewise.
        date: the day of the impressions.

    Returns:
        One row per row of `impressions`: its columns, the `user_*` and `video_*` features, and columns of the snapshots.
    """
    user = user_features_before.select(
        "user_id",
        *(F.col(name).alias(f"user_{name}") for name in USER_FEATURES),
        "hour_views",
        "tab_views",
        "category_tastes",
    )
    video = video_features_before.select("video_id", *(F.col(name).alias(f"video_{name}") for name in VIDEO_FEATURES))
    described = (
        impressions.join(user, "user_id", "left")
        .join(video, "video_id", "left")
        .join(_snapshot(users, "user_id", USER_FIXED, USER_CHANGING, date), "user_id", "left")
        .join(_snapshot(videos, "video_id", VIDEO_FIXED, (), date), "video_id", "left")
    )
    active = F.col("hour_views").isNotNull()
    return described.withColumns(
        {
            "user_hour_views_7d": F.when(active, F.get("hour_views", F.col("hour"))),
            "user_tab_views_7d": F.when(active, F.coalesce(F.try_element_at("tab_views", F.col("tab")), F.lit(0))),
            "user_taste_for_video": F.when(active & F.col("tags").isNotNull(), _taste()),
            "video_age_days": F.datediff(F.lit(date), "upload_dt"),
        }
    ).drop("hour_views", "tab_views", "category_tastes", "upload_dt")


def _taste() -> Column:
    """Return the sum of the user's watch time shares over the video's tags."""

    def add(total: Column, tag: Column) -> Column:
        return total + F.coalesce(F.try_element_at("category_tastes", tag), F.lit(0.0))

    return F.aggregate(F.array_distinct("tags"), F.lit(0.0), add)


def _snapshot(
    snapshots: DataFrame, key: str, fixed: Sequence[str], changing: Sequence[str], date: dt.date
) -> DataFrame:
    """Return one row per user or video: the latest snapshot before `date`, otherwise the fixed columns of that day's snapshot."""
    earlier = F.col("arrival_date") < F.lit(date)
    freshness = F.when(earlier, F.datediff("arrival_date", F.lit(date))).otherwise(F.lit(-(10**6)))
    values = F.struct(*fixed, *(F.when(earlier, F.col(name)).alias(name) for name in changing))
    return (
        snapshots.where(F.col("arrival_date") <= F.lit(date))
        .groupBy(key)
        .agg(F.max_by(values, freshness).alias("latest"))
        .select(key, "latest.*")
    )
