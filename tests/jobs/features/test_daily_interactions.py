"""Each night sums its own arrivals; from these sums, the state as of any night equals one computed from the events themselves."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from jobs.features import daily_interactions
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings as nightreel
from jobs.recommend.interactions_as_of import query
from schemas.contract import load_contract
from tests.jobs.features.events import NIGHT, Event, frame, nights
from tests.jobs.lake import publish_rows

_HISTORY_DAY = NIGHT - dt.timedelta(days=7)
_HISTORY_SCHEMA = (
    "user_id string, video_id bigint, position int, is_like int, long_view int, event_date date, arrival_date date"
)
History = Sequence[tuple[int, int, int, int]]
_history = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 1), st.integers(0, 1)), min_size=5, max_size=20
)
ALL_NIGHTS = [NIGHT - dt.timedelta(days=days) for days in range(-4, 10)]
_ROUNDED = 5e-5
"""Strengths and decays are whole millionths; a pair has at most some ten views here."""


def _strength(event: Event) -> float:
    ratio = min(event.play_time_ms / event.duration_ms, 1) if event.duration_ms else event.long_view
    return (
        1
        + 0.5 * ratio
        + 0.5 * (event.long_view + event.is_like + event.is_comment)
        + 0.75 * (event.is_forward + event.is_follow)
        - 3 * event.is_hate
    )


def _from_events(events: Sequence[Event], history: History, night: dt.date) -> dict[tuple[str, int], dict[str, Any]]:
    """The state as of a night, computed from the events."""
    of_pair: dict[tuple[str, int], list[tuple[float, int, int, int]]] = defaultdict(list)
    for event in events:
        if event.event_date <= night and event.arrival_date <= night:
            view = (_strength(event), (night - event.event_date).days, event.long_view, event.is_like)
            of_pair[event.user_id, event.video_id].append(view)
    for user, video, like, long_view in history if night >= _HISTORY_DAY else ():
        weight = 1 + 0.5 * (1 if long_view else 0.2) + 0.5 * long_view + 0.5 * like
        of_pair[f"{user:032x}", video].append((weight, (night - _HISTORY_DAY).days, long_view, like))
    rows = {}
    for pair, views in of_pair.items():
        before, on_day = [v for v in views if v[1] > 0], [v for v in views if v[1] == 0]
        rows[pair] = {
            "strength": pytest.approx(sum(w * 0.5 ** (age / 7) for w, age, _, _ in views), abs=_ROUNDED),
            "strength_before": pytest.approx(sum(w * 0.5 ** ((age - 1) / 7) for w, age, _, _ in before), abs=_ROUNDED),
            "views_before": len(before),
            "long_views_before": sum(v[2] for v in before),
            "likes_before": sum(v[3] for v in before),
            "views_on_day": len(on_day),
            "long_views_on_day": sum(v[2] for v in on_day),
            "likes_on_day": sum(v[3] for v in on_day),
            "last_event_date": night - dt.timedelta(days=min(v[1] for v in views)),
            "last_event_date_before": night - dt.timedelta(days=min(v[1] for v in before)) if before else None,
        }
    return rows


def _partials(spark: SparkSession, events: Sequence[Event], history: History = ()) -> pa.Table:
    """What the nights write, each from its own arrivals."""
    watched = [
        (f"{user:032x}", video, n, like, long, _HISTORY_DAY, _HISTORY_DAY)
        for n, (user, video, like, long) in enumerate(history)
    ]
    arrived, past = frame(spark, events), spark.createDataFrame(watched, _HISTORY_SCHEMA)

    def of_night(night: dt.date) -> DataFrame:
        is_arrival = f"arrival_date = DATE'{night}'"
        return daily_interactions.transform(arrived.where(is_arrival), past.where(is_arrival), night)

    arrivals = {event.arrival_date for event in events} | {_HISTORY_DAY}
    return reduce(DataFrame.unionAll, map(of_night, sorted(arrivals))).toArrow()


def _state(partials: pa.Table, night: dt.date) -> dict[tuple[str, int], dict[str, Any]]:
    """The state as of a night, from what the nights have written."""
    with duckdb.connect() as connection:
        connection.register("daily", partials)
        rows = connection.sql(query(night, "daily")).to_arrow_table().to_pylist()
    state = {(row.pop("user_id"), row.pop("video_id")): row for row in rows}
    assert len(state) == len(rows)
    return state


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=nights, history=_history, changed=nights, ago=st.integers(-1, 6))
def test_each_night_s_state_follows_from_the_sums(
    spark: SparkSession, events: list[Event], history: History, changed: list[Event], ago: int
) -> None:
    written = _partials(spark, events, history)
    for night in ALL_NIGHTS:
        assert _state(written, night) == _from_events(events, history, night)
    backfilled = NIGHT - dt.timedelta(days=ago)
    again = [event for event in changed if event.arrival_date == backfilled]
    others = written.filter(pc.field("date") != backfilled)
    rewritten = pa.concat_tables([others, _partials(spark, again)])
    events = [event for event in events if event.arrival_date != backfilled] + again
    for night in ALL_NIGHTS:
        assert _state(rewritten, night) == _from_events(events, history, night)


def test_evidence_older_than_the_lookback_is_forgotten(spark: SparkSession) -> None:
    seen = Event("0" * 32, 1, 0, 1, 0, 0, 0, 0, 0, 1, 9_000, 9_000, 1, NIGHT, NIGHT)
    days = {ago: NIGHT - dt.timedelta(days=ago) for ago in (0, 7, 29, 30)}
    old = [replace(seen, video_id=ago, event_date=day, arrival_date=day) for ago, day in days.items()]
    state = _state(_partials(spark, old), NIGHT)
    assert {video: row["strength"] for (_, video), row in state.items()} == {
        0: 2.0,
        7: 1.0,
        29: pytest.approx(2 * 0.5 ** (29 / 7), abs=2e-6),
    }
    assert state["0" * 32, 7]["strength_before"] == pytest.approx(2 * 0.5 ** (6 / 7), abs=2e-6)
    assert state["0" * 32, 0]["strength_before"] == 0


def test_the_frame_is_what_the_contract_says(spark: SparkSession) -> None:
    computed = daily_interactions.transform(frame(spark, []), spark.createDataFrame([], _HISTORY_SCHEMA), NIGHT)
    declared = {column.name: column.type for column in load_contract("gold.daily_interactions").columns}
    assert {field.name: field.dataType.simpleString() for field in computed.schema} == declared


def test_a_history_from_before_the_first_night_is_a_night_of_its_own(home: Path, spark: SparkSession) -> None:
    watched = {"user_id": "0" * 32, "video_id": 1, "event_date": _HISTORY_DAY, "arrival_date": _HISTORY_DAY}
    publish_rows(
        home, "silver.watch_history", _HISTORY_DAY, [watched | {"position": n, "long_view": n} for n in (0, 1)]
    )
    seen = {"user_id": "1" * 32, "video_id": 2, "event_date": NIGHT, "arrival_date": NIGHT}
    publish_rows(home, "silver.behavior_events", NIGHT, [seen])
    for _ in range(2):  # the second run has nothing to add
        daily_interactions.main(["--date", str(NIGHT)])
        rows = JobContext(NIGHT, nightreel()).lake.read("gold.daily_interactions").collect()
        assert {(row.date, row.video_id, row.views, row.long_views, row.strength_millionths) for row in rows} == {
            (_HISTORY_DAY, 1, 2, 1, 1_100_000 + 2_000_000),
            (NIGHT, 2, 1, 0, 1_000_000),
        }
    later = NIGHT + dt.timedelta(days=1)
    with pytest.raises(SystemExit) as ended:
        daily_interactions.main(["--date", str(later)])
    assert ended.value.code == 66, "a night that was not ingested"
