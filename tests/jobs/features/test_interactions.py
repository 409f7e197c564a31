import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.features import interactions
from schemas.contract import load_contract
from tests.jobs.features.events import NIGHT, Event, frame, nights, with_another_future

_HISTORY_DAY = NIGHT - dt.timedelta(days=7)
_HISTORY_SCHEMA = (
    "user_id string, video_id bigint, position int, is_like int, long_view int, event_date date, arrival_date date"
)
_history = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 1), st.integers(0, 1)), min_size=5, max_size=20
)


def _strength(event: Event) -> float:
    ratio = min(event.play_time_ms / event.duration_ms, 1) if event.duration_ms else event.long_view
    return (
        1
        + 0.5 * ratio
        + 0.5 * (event.long_view + event.is_like + event.is_comment)
        + 0.75 * (event.is_forward + event.is_follow)
        - 3 * event.is_hate
    )


def _expected(
    events: Sequence[Event], history: Sequence[tuple[int, int, int, int]]
) -> dict[tuple[str, int], dict[str, Any]]:
    of_pair: dict[tuple[str, int], list[tuple[float, int, int, int]]] = defaultdict(list)
    for event in events:
        if event.known_at_night():
            of_pair[event.user_id, event.video_id].append(
                (_strength(event), event.days_ago, event.long_view, event.is_like)
            )
    for user, video, like, long_view in history:
        weight = 1 + 0.5 * (1 if long_view else 0.2) + 0.5 * long_view + 0.5 * like
        of_pair[f"{user:032x}", video].append((weight, 7, long_view, like))
    rows = {}
    for pair, views in of_pair.items():
        before, on_day = [v for v in views if v[1] > 0], [v for v in views if v[1] == 0]
        rows[pair] = {
            "strength": pytest.approx(sum(w * 0.5 ** (age / 7) for w, age, _, _ in views), abs=1e-5),
            "strength_before": pytest.approx(sum(w * 0.5 ** ((age - 1) / 7) for w, age, _, _ in before), abs=1e-5),
            "views_before": len(before),
            "long_views_before": sum(v[2] for v in before),
            "likes_before": sum(v[3] for v in before),
            "views_on_day": len(on_day),
            "long_views_on_day": sum(v[2] for v in on_day),
            "likes_on_day": sum(v[3] for v in on_day),
            "last_event_date": NIGHT - dt.timedelta(days=min(v[1] for v in views)),
            "date": NIGHT,
        }
    return rows


def _computed(
    spark: SparkSession, events: Sequence[Event], history: Sequence[tuple[int, int, int, int]] | None = None
) -> dict[tuple[str, int], dict[str, Any]]:
    past = None
    if history is not None:
        rows = [
            (f"{user:032x}", video, n, like, long, _HISTORY_DAY, _HISTORY_DAY)
            for n, (user, video, like, long) in enumerate(history)
        ]
        past = spark.createDataFrame(rows, _HISTORY_SCHEMA)
    found = interactions.transform(frame(spark, events), past, NIGHT).collect()
    computed = {(row["user_id"], row["video_id"]): row.asDict() for row in found}
    assert len(computed) == len(found)
    return {pair: {k: v for k, v in row.items() if k not in ("user_id", "video_id")} for pair, row in computed.items()}


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=nights, history=_history, seed=st.integers())
def test_evidence_known_at_the_night_is_weighed_whatever_comes_later(
    spark: SparkSession, events: list[Event], history: list[tuple[int, int, int, int]], seed: int
) -> None:
    assert _computed(spark, with_another_future(events, seed), history) == _expected(events, history)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=nights, seed=st.integers())
def test_the_order_of_rows_does_not_change_a_bit(spark: SparkSession, events: list[Event], seed: int) -> None:
    assert _computed(spark, with_another_future(events, seed)) == _computed(
        spark, with_another_future(events, seed + 1)
    )


def test_evidence_older_than_the_lookback_is_forgotten(spark: SparkSession) -> None:
    seen = Event("0" * 32, 1, 0, 1, 0, 0, 0, 0, 0, 1, 9_000, 9_000, 1, NIGHT, NIGHT)
    old = [replace(seen, video_id=days, event_date=NIGHT - dt.timedelta(days=days)) for days in (0, 7, 29, 30)]
    computed = _computed(spark, old)
    assert {video: row["strength"] for (_, video), row in computed.items()} == {
        0: 2.0,
        7: 1.0,
        29: pytest.approx(0.11322, abs=1e-4),
    }
    assert computed["0" * 32, 7]["strength_before"] == pytest.approx(2 * 0.5 ** (6 / 7), abs=1e-5)
    assert computed["0" * 32, 0]["strength_before"] == 0


def test_the_frame_is_what_the_contract_says(spark: SparkSession) -> None:
    computed = interactions.transform(frame(spark, []), None, NIGHT)
    declared = {column.name: column.type for column in load_contract("gold.interactions").columns}
    assert {field.name: field.dataType.simpleString() for field in computed.schema} == declared
