"""Counts, rates and watch times over windows of days up to a night; used by user and video features.

All windows are computed in one pass over the events, as conditional sums. Counts and times are integers and rates are their
quotients, so no result depends on the order of rows.
"""

import datetime as dt

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

WINDOWS = (1, 3, 7)
"""Length of each window in days, including the night's own day."""

LONGEST = max(WINDOWS)

RATES = {
    "long_view": ("long_views", "long_view"),
    "click": ("clicks", "is_click"),
    "like": ("likes", "is_like"),
    "follow": ("follows", "is_follow"),
    "comment": ("comments", "is_comment"),
    "forward": ("forwards", "is_forward"),
    "hate": ("hates", "is_hate"),
}
"""Name of a rate -> (name of its count, flag of the log that is counted)."""


def events_in_window(events: DataFrame, date: dt.date, days: int) -> DataFrame:
    """Return the events of the last days up to `date` that had arrived by its end, with the column `days_ago` (0 = `date`).

    Args:
        events: silver.behavior_events.
        date: the night.
        days: number of days, including `date`.
    """
    night = F.lit(date)
    return events.where(
        F.col("event_date").between(F.lit(date - dt.timedelta(days=days - 1)), night) & (F.col("arrival_date") <= night)
    ).withColumn("days_ago", F.datediff(night, "event_date"))


def window_sums() -> list[Column]:
    """Return aggregates for each window: views, the count of every flag, and the watch time."""
    columns = []
    for window in WINDOWS:
        inside = F.col("days_ago") < window
        columns.append(F.count_if(inside).alias(f"views_{window}d"))
        columns += [
            F.count_if(inside & (F.col(flag) == 1)).alias(f"{count}_{window}d") for count, flag in RATES.values()
        ]
        columns.append(
            F.coalesce(F.sum(F.when(inside, F.col("play_time_ms"))), F.lit(0)).alias(f"watch_time_ms_{window}d")
        )
    return columns


def sum_names() -> list[str]:
    """Return the column names of `window_sums`, in order."""
    counts = ["views", *(count for count, _ in RATES.values()), "watch_time_ms"]
    return [f"{count}_{window}d" for window in WINDOWS for count in counts]


def rates() -> list[Column]:
    """Return the share of views with each flag, for each window, computed from the sums; null without views."""
    return [
        F.try_divide(F.col(f"{count}_{window}d"), F.col(f"views_{window}d")).alias(f"{rate}_rate_{window}d")
        for window in WINDOWS
        for rate, (count, _) in RATES.items()
    ]
