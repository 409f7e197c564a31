import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, Row, SparkSession

from jobs.features import ctr_examples, user_features, video_features
from schemas.contract import load_contract
from tests.jobs.features.events import NIGHT, Event, frame, nights

DAY = NIGHT + dt.timedelta(days=1)
"""The day of the impressions; NIGHT is the one before."""

AFTER = DAY + dt.timedelta(days=1)
ZONE = ZoneInfo("Asia/Shanghai")
TAGS = {0: ["美食"], 1: ["美食", "旅游", "旅游"], 2: [], 3: ["旅游"], 4: ["健康"], 5: ["健康", "美食"]}
KEY = ("user_id", "video_id", "time_ms")

few = settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))


def users(spark: SparkSession, fans: dict[dt.date, int], count: int = 4) -> DataFrame:
    """A snapshot of users a day, all with so many fans."""
    blank = dict.fromkeys(column.name for column in load_contract("silver.users").columns)
    rows = [
        {**blank, "user_id": f"{user:032x}", "arrival_date": day, "fans_user_num": number, "onehot_feat0": number}
        for day, number in fans.items()
        for user in range(count)
    ]
    return spark.createDataFrame(rows, load_contract("silver.users").struct_type())


def videos(spark: SparkSession, authors: dict[dt.date, int]) -> DataFrame:
    """A snapshot of videos a day, all of one author."""
    blank = dict.fromkeys(column.name for column in load_contract("silver.videos").columns)
    rows = [
        {
            **blank,
            "video_id": video,
            "author_id": author,
            "visible": True,
            "tags": tags,
            "upload_dt": NIGHT - dt.timedelta(days=2),
            "arrival_date": day,
        }
        for day, author in authors.items()
        for video, tags in TAGS.items()
    ]
    return spark.createDataFrame(rows, load_contract("silver.videos").struct_type())


def examples(spark: SparkSession, events: Sequence[Event], snapshots: dict[dt.date, int]) -> dict[tuple[Any, ...], Row]:
    """The examples of DAY by their key, from features of NIGHT made by the feature jobs."""
    every, catalogue = frame(spark, events), videos(spark, snapshots)
    of_night = catalogue.where(f"arrival_date = DATE'{NIGHT}'")
    rows = ctr_examples.transform(
        every,
        user_features.transform(every, of_night, NIGHT, ZONE),
        video_features.transform(every, of_night, NIGHT),
        users(spark, snapshots),
        catalogue,
        DAY,
        ZONE,
    ).collect()
    by_key = {tuple(row[name] for name in KEY): row for row in rows}
    assert len(by_key) == len(rows)
    return by_key


def distinct(events: Sequence[Event]) -> list[Event]:
    """One event a user, video and time, as silver.behavior_events holds them."""
    return list({(event.user_id, event.video_id, event.time_ms): event for event in events}.values())


def impressions(events: Sequence[Event]) -> list[Event]:
    """What should become an example of DAY."""
    return [event for event in events if event.event_date == DAY and event.arrival_date <= DAY]


@few
@given(nights.map(distinct), st.integers(0, 2**32))
def test_nothing_of_the_day_or_later_shows_in_the_features(spark: SparkSession, events: list[Event], seed: int) -> None:
    rng = random.Random(seed)
    future = [event for event in events if not event.known_at_night()]
    past = [event for event in events if event.known_at_night()]
    turned = [
        replace(
            event,
            is_click=1 - event.is_click,
            is_like=1,
            long_view=1 - event.long_view,
            play_time_ms=rng.randrange(10**6),
        )
        for event in future
    ]
    added = [
        replace(event, event_date=day, arrival_date=day, time_ms=event.time_ms + 10**9 + number)
        for number, event in enumerate(past)
        for day in (DAY, AFTER)
    ]
    late = [replace(event, arrival_date=DAY, time_ms=event.time_ms + 1) for event in past]
    was = examples(spark, events, {NIGHT: 1, DAY: 2})
    now = examples(spark, [*turned, *past, *added, *late], {NIGHT: 1, DAY: 3, AFTER: 4})
    assert len(was) == len(impressions(events))
    for key, row in was.items():
        assert now[key].label == 1 - row.label
        assert row.asDict() | {"label": None} == now[key].asDict() | {"label": None}


@few
@given(nights.map(distinct))
def test_has_a_row_an_impression_with_what_was_known_before(spark: SparkSession, events: list[Event]) -> None:
    rows = examples(spark, events, {NIGHT: 1})
    shown = impressions(events)
    assert rows.keys() == {(event.user_id, event.video_id, event.time_ms) for event in shown}
    week = [event for event in events if event.known_at_night() and event.days_ago < 7]
    for event in shown:
        row = rows[event.user_id, event.video_id, event.time_ms]
        own = [other for other in week if other.user_id == event.user_id]
        assert (row.label, row.hour, row.tab, row.date) == (event.is_click, event.hour, event.tab, DAY)
        assert row.user_views_7d == (len(own) or None)
        assert row.user_hour_views_7d == (sum(other.hour == event.hour for other in own) if own else None)
        assert row.user_tab_views_7d == (sum(other.tab == event.tab for other in own) if own else None)
        assert row.video_clicks_3d == sum(
            other.is_click for other in week if other.video_id == event.video_id and other.days_ago < 3
        )
        assert (row.video_age_days, row.author_id, row.tags) == (3, 1, TAGS[event.video_id])


def test_taste_is_the_share_of_watch_time_on_the_videos_tags(spark: SparkSession) -> None:
    watched = [shown(0, video=0, play=3000), shown(0, video=3, play=1000), shown(1, video=4, play=5000)]
    asked = [
        shown(0, video=1, day=DAY),
        shown(0, video=4, day=DAY),
        shown(1, video=2, day=DAY),
        shown(2, video=1, day=DAY),
    ]
    rows = examples(spark, [*watched, *asked], {NIGHT: 1})
    tastes = [rows[event.user_id, event.video_id, event.time_ms].user_taste_for_video for event in asked]
    assert tastes == [1.0, 0.0, 0.0, None]  # the last user watched nothing


def test_changing_columns_come_from_a_snapshot_before_the_day_and_fixed_ones_from_the_days_own_if_need_be(
    spark: SparkSession,
) -> None:
    asked = shown(0, video=0, day=DAY)
    for snapshots, fans, fixed in (
        ({NIGHT: 1, DAY: 2, AFTER: 3}, 1, 1),
        ({NIGHT - dt.timedelta(days=5): 7, NIGHT: 1, DAY: 2}, 1, 1),
        ({DAY: 2, AFTER: 3}, None, 2),  # a lake's first day
        ({AFTER: 3}, None, None),
    ):
        (row,) = examples(spark, [asked], snapshots).values()
        assert (row.fans_user_num, row.onehot_feat0, row.author_id) == (fans, fixed, fixed)


def test_an_impression_without_anything_known_is_still_an_example(spark: SparkSession) -> None:
    asked = replace(shown(0, video=99, day=DAY), user_id=f"{99:032x}")
    (row,) = examples(spark, [asked], {NIGHT: 1}).values()
    known = {name for name, value in row.asDict().items() if value is not None}
    assert known == {"user_id", "video_id", "time_ms", "label", "hour", "tab", "date"}


def test_has_the_columns_of_its_contract(spark: SparkSession) -> None:
    empty = frame(spark, [shown(0, video=0, day=DAY)])
    catalogue = videos(spark, {NIGHT: 1})
    rows = ctr_examples.transform(
        empty,
        user_features.transform(empty, catalogue, NIGHT, ZONE),
        video_features.transform(empty, catalogue, NIGHT),
        users(spark, {NIGHT: 1}),
        catalogue,
        DAY,
        ZONE,
    )
    declared = {column.name: column.type for column in load_contract("gold.ctr_examples").columns}
    assert {field.name: field.dataType.simpleString() for field in rows.schema.fields} == declared


def shown(user: int, video: int, day: dt.date = NIGHT, play: int = 1000) -> Event:
    """An impression at noon, without a click."""
    noon = dt.datetime.combine(day, dt.time(12), ZONE)
    return Event(
        f"{user:032x}", video, round(noon.timestamp() * 1000) + video, 0, 0, 0, 0, 0, 0, 0, play, 9000, 0, day, day
    )
