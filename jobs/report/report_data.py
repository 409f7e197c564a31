"""The queries of the nightly report, over the lake's state at the end of a night."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from jobs.query.duckdb_views import rows

Rows = list[dict[str, Any]]

WEEK = dt.timedelta(days=7)
_TOP = 10


def nights(lake: duckdb.DuckDBPyConnection, date: dt.date, count: int) -> Rows:
    """Query the last `count` nights: `night`, `events`, `users`, `videos`, `watch_hours`, `long_view_rate`, `late`.

    `late` is the share of events that arrived after their own day. Distinct values are counted by two groupings, which DuckDB can
    do with little memory, unlike `count(distinct …)`. Nights without events are left out, except `date` itself,
    whose rates are null then.
    """
    return rows(
        lake,
        """
        with arrived as (
            from silver.behavior_events where arrival_date between $first and $day
        ), nights as (
            select arrival_date as night from arrived union select $day::date
        ), users as (
            select arrival_date as night, count(*) as users
            from (select distinct arrival_date, user_id from arrived) group by all
        ), videos as (
            select arrival_date as night, count(*) as videos
            from (select distinct arrival_date, video_id from arrived) group by all
        ), views as (
            select arrival_date as night, count(*) as events, sum(play_time_ms) / 3.6e6 as watch_hours,
                   avg(long_view) as long_view_rate, avg((event_date < arrival_date)::int) as late
            from arrived group by all
        )
        select night, coalesce(events, 0) as events, coalesce(users, 0) as users, coalesce(videos, 0) as videos,
               coalesce(watch_hours, 0) as watch_hours, long_view_rate, late
        from nights left join views using (night) left join users using (night) left join videos using (night)
        order by night
        """,
        first=date - dt.timedelta(days=count - 1),
        day=date,
    )


def hours(lake: duckdb.DuckDBPyConnection, date: dt.date, timezone: ZoneInfo) -> Rows:
    """Query the views by hour in the lake's time zone: `hour`, `on_day`, and `usual`, the mean of the six days before."""
    offset = dt.datetime.combine(date, dt.time(12), timezone).utcoffset() or dt.timedelta()
    return rows(
        lake,
        """
        with counted as (
            select event_date = $day as on_day, (time_ms // 1000 + $offset) // 3600 % 24 as hour, count(*) as views
            from silver.behavior_events
            where event_date > $last_week and event_date <= $day and arrival_date > $last_week and arrival_date <= $day
            group by all
        ), nights as (
            select nullif(count(distinct arrival_date), 0) as before
            from silver.behavior_events where arrival_date > $last_week and arrival_date < $day
        )
        select hour, coalesce(sum(views) filter (on_day), 0)::bigint as on_day,
               coalesce(sum(views) filter (not on_day), 0) / any_value(before) as usual
        from range(24) as clock(hour) left join counted using (hour), nights
        group by hour order by hour
        """,
        day=date,
        last_week=date - WEEK,
        offset=int(offset.total_seconds()),
    )


def reconciliation(lake: duckdb.DuckDBPyConnection, date: dt.date) -> Rows:
    """Query the row counts (ops.reconciliation) of the last seven nights, the newest first."""
    return rows(
        lake,
        "select * from ops.reconciliation where arrival_date between ? and ? order by arrival_date desc, source",
        date - WEEK + dt.timedelta(days=1),
        date,
    )


def create_temp_tables(lake: duckdb.DuckDBPyConnection, date: dt.date) -> None:
    """Create the temporary tables of the queries below.

    `catalogue` is the latest snapshot of the videos; `shown` has each video's views in this week and in the week before.
    """
    lake.execute(
        """
        create or replace temp table catalogue as
        select video_id, title, tags, visible from silver.videos
        where arrival_date = (select max(arrival_date) from silver.videos where arrival_date <= $day);
        """,
        {"day": date},
    )
    lake.execute(
        """
        create or replace temp table shown as
        select video_id,
               count(*) filter (event_date > $last_week) as views,
               count(*) filter (event_date <= $last_week) as before
        from silver.behavior_events
        where event_date > $week_before and event_date <= $day and arrival_date <= $day
        group by video_id
        """,
        {"day": date, "last_week": date - WEEK, "week_before": date - 2 * WEEK},
    )


def top_categories(lake: duckdb.DuckDBPyConnection) -> Rows:
    """Query the categories whose share of views changed most since the previous week: `tag`, `views`, `share`, `gain`.

    A view of a video with two tags counts for both. If the lake has no previous week, `gain` is null and the most viewed
    categories are returned.
    """
    return rows(
        lake,
        """
        with tagged as (
            select tag, sum(views)::bigint as views, sum(before) as before
            from shown join catalogue using (video_id), unnest(tags) as tags(tag)
            group by tag
        ), shares as (
            select tag, views, views / sum(views) over () as share, before / nullif(sum(before) over (), 0) as share_before
            from tagged
        )
        select tag, views, share, share - share_before as gain
        from shares order by abs(coalesce(gain, share)) desc, tag limit ?
        """,
        _TOP,
    )


def top_videos(lake: duckdb.DuckDBPyConnection) -> Rows:
    """Query the videos whose share of views grew most: `video_id`, `title`, `tags`, `views`, `share`, `gain`.

    `gain` as in `top_categories`.
    """
    return rows(
        lake,
        """
        with shares as (
            select video_id, views, views / sum(views) over () as share, before / nullif(sum(before) over (), 0) as share_before
            from shown
        )
        select video_id, title, tags, views, share, share - share_before as gain
        from shares left join catalogue using (video_id)
        order by coalesce(gain, share) desc, video_id limit ?
        """,
        _TOP,
    )


def coverage(lake: duckdb.DuckDBPyConnection, date: dt.date) -> Rows:
    """Query the coverage of a night's recommendations.

    Columns: `users`, `videos`, `visible` (visible videos of the catalogue), `top_share` (share of all slots that the ten most
    frequent videos have), `model_version`.
    """
    return rows(
        lake,
        """
        with counted as (
            select video_id, count(*) as slots from gold.recommendations where date = $day group by video_id
        )
        select (select count(*) from gold.recommendations where date = $day and rank = 1) as users,
               count(*) as videos,
               (select count(*) from catalogue where visible) as visible,
               (select sum(slots) from (from counted order by slots desc limit 10)) / sum(slots) as top_share,
               (select max(model_version) from gold.recommendations where date = $day) as model_version
        from counted having count(*) > 0
        """,
        day=date,
    )


def most_recommended(lake: duckdb.DuckDBPyConnection, date: dt.date) -> Rows:
    """Query the videos that are recommended to most users: `video_id`, `title`, `tags`, `users`, `mean_rank`."""
    return rows(
        lake,
        """
        select video_id, any_value(title) as title, any_value(tags) as tags,
               count(*) as users, avg(rank) as mean_rank
        from gold.recommendations left join catalogue using (video_id)
        where date = ? group by video_id order by users desc, mean_rank, video_id limit ?
        """,
        date,
        _TOP // 2,
    )


def segments(lake: duckdb.DuckDBPyConnection, date: dt.date) -> Rows:
    """Query the night's audiences: `campaign_id`, `name`, `advertiser`, `tag`, `segment`, `users`, mean `expected_ctr`."""
    return rows(
        lake,
        """
        select campaign_id, any_value(name) as name, any_value(advertiser) as advertiser, any_value(tag) as tag,
               segment, count(*) as users, avg(expected_ctr) as expected_ctr
        from gold.audience_segments
        left join (
            from silver.campaigns
            where arrival_date = (select max(arrival_date) from silver.campaigns where arrival_date <= $day)
        ) using (campaign_id)
        where date = $day group by campaign_id, segment order by campaign_id, expected_ctr desc, segment
        """,
        day=date,
    )


def generated_videos(lake: duckdb.DuckDBPyConnection, date: dt.date, count: int) -> Rows:
    """Query what viewers did with generated videos in the `count` nights before a night, the most watched generator first.

    The night's own feedback is counted after its report. Columns: `generator_version`, `videos`, `impressions`, and the rates
    `clicks`, `long_views`, `likes`, `completions`, each with `…_others`: the rate that it would have if viewers had treated every
    video as they did the other videos of its tag on that night. A rate is null if nobody watched.
    """
    names = ("clicks", "long_views", "likes", "completions")
    rates = ", ".join(
        f"sum({name}) / nullif(sum(impressions), 0) as {name}, "
        f"sum(impressions * tag_{name} / nullif(tag_impressions, 0)) "
        f"/ nullif(sum(impressions) filter (tag_impressions > 0), 0) as {name}_others"
        for name in names
    )
    return rows(
        lake,
        f"""
        select generator_version, count(distinct video_id) as videos, sum(impressions)::bigint as impressions, {rates}
        from gold.video_feedback where date >= $first and date < $day and generator_version is not null
        group by generator_version order by impressions desc, generator_version
        """,
        first=date - dt.timedelta(days=count),
        day=date,
    )
