"""gold.user_features: how much, when and what each user watched in the last 1, 3 and 7 days, as of the end of the night.

Only events that had happened and arrived by then count, so a rerun of the night gives the same rows.
"""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.features.event_window import LONGEST, events_in_window, rates, sum_names, window_sums
from jobs.platform.job import run_job

_HOURS = [f"hour_{hour}" for hour in range(24)]


def transform(events: DataFrame, videos: DataFrame, date: dt.date, zone: ZoneInfo) -> DataFrame:
    """Return one row per user with a view in the last seven days.

    Args:
        events: silver.behavior_events; rows that happened or arrived after the night are left out.
        videos: silver.videos as of the night, with the tags for `category_tastes`.
        date: the night.
        zone: time zone of `hour_views`.

    Returns:
        The columns of gold.user_features. `category_tastes` is each tag's share of the 7-day watch time on tagged videos. The
        time of a video with several tags counts for each of them; the shares sum to 1.
    """
    recent = events_in_window(events, date, LONGEST)
    hour = event_hour(F.col("time_ms"), zone)
    by_tab = (
        recent.withColumn("hour", hour)
        .groupBy("user_id", "tab")
        .agg(
            *window_sums(),
            F.min("days_ago").alias("days_since_last_view"),
            *(F.count_if(F.col("hour") == number).alias(name) for number, name in enumerate(_HOURS)),
        )
    )
    watched = by_tab.groupBy("user_id").agg(
        *(F.sum(name).alias(name) for name in [*sum_names(), *_HOURS]),
        F.min("days_since_last_view").alias("days_since_last_view"),
        _sorted_map(F.struct("tab", f"views_{LONGEST}d")).alias("tab_views"),
    )
    return watched.join(_tastes(recent, videos), "user_id", "left").select(
        "user_id",
        *sum_names(),
        *rates(),
        "days_since_last_view",
        F.array(*_HOURS).alias("hour_views"),
        "tab_views",
        F.coalesce("category_tastes", F.create_map().cast("map<string,double>")).alias("category_tastes"),
        F.lit(date).alias("date"),
    )


def event_hour(time_ms: Column, zone: ZoneInfo) -> Column:
    """Return the hour of day (0-23) of an instant in the zone, independent of the session's time zone."""
    utc = F.timestamp_add("MILLISECOND", time_ms, F.lit("1970-01-01").cast("timestamp_ntz"))
    return F.hour(F.convert_timezone(F.lit("UTC"), F.lit(zone.key), utc))


def _tastes(recent: DataFrame, videos: DataFrame) -> DataFrame:
    tags = videos.select("video_id", F.explode(F.array_distinct("tags")).alias("tag"))
    by_video = recent.groupBy("user_id", "video_id").agg(F.sum("play_time_ms").alias("watched_ms"))
    by_tag = by_video.join(tags, "video_id").groupBy("user_id", "tag").agg(F.sum("watched_ms").alias("watched_ms"))
    watched = by_tag.where("watched_ms > 0").groupBy("user_id")
    totals = watched.agg(
        F.sum("watched_ms").alias("total_ms"),
        F.array_sort(F.collect_list(F.struct("tag", "watched_ms"))).alias("watches"),
    )
    share = F.transform("watches", lambda watch: F.struct(watch["tag"], watch["watched_ms"] / F.col("total_ms")))
    return totals.select("user_id", F.map_from_entries(share).alias("category_tastes"))


def _sorted_map(entry: Column) -> Column:
    """Return a map of the group's entries, sorted by key so that equal maps have the same representation."""
    return F.map_from_entries(F.array_sort(F.collect_list(entry)))


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's user features."""
    with run_job(argv, __doc__, writes="gold.user_features") as context:
        context.lake.read_day("silver.behavior_events")  # a night that was not ingested is an error
        events, videos = context.lake.read("silver.behavior_events"), context.lake.read_day("silver.videos")
        context.lake.write(transform(events, videos, context.date, context.settings.timezone))


if __name__ == "__main__":
    main()
