from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from jobs.features import user_features
from schemas.contract import load_contract
from tests.jobs.features.events import NIGHT, Event, frame, nights, with_another_future

ZONE = ZoneInfo("Asia/Shanghai")
TAGS = {0: ["美食"], 1: ["美食", "家常菜"], 2: [], 3: ["旅游", "旅游"], 4: ["旅游", "海岛"]}  # 5 is not in the snapshot
COUNTED = {
    "long_view": "long_views", "is_click": "clicks", "is_like": "likes", "is_follow": "follows", "is_comment": "comments",
    "is_forward": "forwards", "is_hate": "hates",
}  # fmt: skip
RATE = {
    "long_views": "long_view",
    "clicks": "click",
    "likes": "like",
    "follows": "follow",
    "comments": "comment",
    "forwards": "forward",
    "hates": "hate",
}


def window_values(events: Sequence[Event]) -> dict[str, Any]:
    """Counts, watch times and rates over 1, 3 and 7 days, counted one by one."""
    values: dict[str, Any] = {}
    for window in (1, 3, 7):
        inside = [event for event in events if event.days_ago < window]
        values[f"views_{window}d"] = len(inside)
        values[f"watch_time_ms_{window}d"] = sum(event.play_time_ms for event in inside)
        for flag, count in COUNTED.items():
            number = sum(getattr(event, flag) for event in inside)
            values[f"{count}_{window}d"] = number
            values[f"{RATE[count]}_rate_{window}d"] = number / len(inside) if inside else None
    return values


def _expected(events: Sequence[Event]) -> dict[str, dict[str, Any]]:
    of_user = defaultdict(list)
    for event in events:
        if event.known_at_night() and event.days_ago < 7:
            of_user[event.user_id].append(event)
    return {user: window_values(own) | _personal(own) for user, own in of_user.items()}


def _personal(own: Sequence[Event]) -> dict[str, Any]:
    watched: Counter[str] = Counter()
    for event in own:
        for tag in set(TAGS.get(event.video_id, [])):
            watched[tag] += event.play_time_ms
    hours, total = Counter(event.hour for event in own), watched.total()
    return {
        "days_since_last_view": min(event.days_ago for event in own),
        "hour_views": [hours[hour] for hour in range(24)],
        "tab_views": dict(Counter(event.tab for event in own)),
        "category_tastes": {tag: time / total for tag, time in watched.items() if time},
        "date": NIGHT,
    }


def _videos(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(list(TAGS.items()), "video_id bigint, tags array<string>")


def _computed(spark: SparkSession, events: Sequence[Event]) -> dict[str, dict[str, Any]]:
    rows = user_features.transform(frame(spark, events), _videos(spark), NIGHT, ZONE).collect()
    by_user = {row["user_id"]: row.asDict() for row in rows}
    assert len(by_user) == len(rows)
    return {user: {name: value for name, value in row.items() if name != "user_id"} for user, row in by_user.items()}


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=nights, seed=st.integers())
def test_what_was_known_is_counted_whatever_comes_later(spark: SparkSession, events: list[Event], seed: int) -> None:
    assert _computed(spark, with_another_future(events, seed)) == _expected(events)


def test_the_frame_is_what_the_contract_says(spark: SparkSession) -> None:
    computed = user_features.transform(frame(spark, []), _videos(spark), NIGHT, ZONE)
    declared = {column.name: column.type for column in load_contract("gold.user_features").columns}
    assert {field.name: field.dataType.simpleString() for field in computed.schema} == declared


@pytest.mark.parametrize(
    ("zone", "hour"), [("Asia/Shanghai", 6), ("UTC", 22), ("America/New_York", 18), ("Asia/Kolkata", 4)]
)
def test_hours_are_those_of_the_lakes_zone(spark: SparkSession, zone: str, hour: int) -> None:
    one = spark.range(1).select(user_features.event_hour(_late_evening_in_utc(), ZoneInfo(zone)).alias("hour"))
    assert one.collect()[0]["hour"] == hour


def _late_evening_in_utc() -> Any:
    from pyspark.sql import functions as F

    return F.lit(1_651_358_096_789)  # 2022-04-30 22:34:56.789
