import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from jobs.features import video_features
from schemas.contract import load_contract
from tests.jobs.features.events import NIGHT, Event, frame, nights, with_another_future
from tests.jobs.features.test_user_features import window_values

VIDEOS = {
    0: (10, NIGHT),
    1: (10, NIGHT - dt.timedelta(days=3)),
    2: (11, NIGHT - dt.timedelta(days=30)),
    3: (11, None),
    4: (12, NIGHT + dt.timedelta(days=1)),
    9: (13, NIGHT),  # never watched
}
"""Author and day of upload; video 5 is watched but not in the snapshot."""


def _expected(events: Sequence[Event]) -> dict[int, dict[str, Any]]:
    of_video: dict[int, list[Event]] = {video: [] for video in VIDEOS}
    of_author: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        if event.known_at_night() and event.days_ago < 7:
            of_video.setdefault(event.video_id, []).append(event)
            if event.video_id in VIDEOS:
                of_author[VIDEOS[event.video_id][0]].append(event)
    rows = {}
    for video, own in of_video.items():
        author, uploaded = VIDEOS.get(video, (None, None))
        of_its_author = of_author[author] if author is not None else []
        rows[video] = window_values(own) | {
            f"viewers_{window}d": len({event.user_id for event in own if event.days_ago < window})
            for window in (1, 3, 7)
        }
        rows[video] |= {
            "author_id": author,
            "author_views_7d": len(of_its_author) if author is not None else None,
            "author_long_view_rate_7d": sum(e.long_view for e in of_its_author) / len(of_its_author)
            if of_its_author
            else None,
            "age_days": max((NIGHT - uploaded).days, 0) if uploaded else None,
            "days_since_last_view": min((event.days_ago for event in own), default=None),
            "date": NIGHT,
        }
    return rows


def _videos(spark: SparkSession) -> DataFrame:
    rows = [(video, author, uploaded) for video, (author, uploaded) in VIDEOS.items()]
    return spark.createDataFrame(rows, "video_id bigint, author_id bigint, upload_dt date")


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=nights, seed=st.integers())
def test_what_was_known_is_counted_whatever_comes_later(spark: SparkSession, events: list[Event], seed: int) -> None:
    rows = video_features.transform(frame(spark, with_another_future(events, seed)), _videos(spark), NIGHT).collect()
    computed = {row["video_id"]: {k: v for k, v in row.asDict().items() if k != "video_id"} for row in rows}
    assert len(computed) == len(rows)
    assert computed == _expected(events)


def test_the_frame_is_what_the_contract_says(spark: SparkSession) -> None:
    computed = video_features.transform(frame(spark, []), _videos(spark), NIGHT)
    declared = {column.name: column.type for column in load_contract("gold.video_features").columns}
    assert {field.name: field.dataType.simpleString() for field in computed.schema} == declared
