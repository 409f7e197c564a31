"""Time split of examples."""

import datetime as dt
import hashlib
import re
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jobs.ads.examples import ExampleStream
from jobs.ads.time_split import HOLDOUT_SHARE, TRAINING_DAYS, TimeSplit, time_split
from jobs.platform.tracking import CannotTrain

NIGHT = dt.date(2022, 5, 10)
_DAY_MS = 86_400_000

# Days before the night, and time of day in milliseconds.
times = st.lists(st.tuples(st.integers(-1, 9), st.integers(0, _DAY_MS - 1)), min_size=30, max_size=80, unique=True)
Times = list[tuple[int, int]]


def dataset(rows: Iterable[tuple[int, int]]) -> ds.Dataset:
    pairs = list(rows)
    days = [NIGHT - dt.timedelta(days=ago) for ago, _ in pairs]
    moments = [-ago * _DAY_MS + moment for ago, moment in pairs]
    users = [hashlib.md5(str(moment).encode()).hexdigest() for moment in moments]
    return ds.dataset(pa.table({"date": pa.array(days, pa.date32()), "time_ms": moments, "user_id": users}))


def streamed(rows: Iterable[tuple[int, int]], day: dt.date) -> ExampleStream:
    """Return the examples of a day; a row is the number of days before the night, and a label."""
    pairs = list(rows)
    days = [NIGHT - dt.timedelta(days=ago) for ago, _ in pairs]
    labels = pa.array([label for _, label in pairs], pa.int32())
    table = pa.table({"date": pa.array(days, pa.date32()), "label": labels})
    return ExampleStream(ds.dataset(table), pc.field("date") == day)


def values(column: str, *streams: ExampleStream) -> list[Any]:
    return [
        value for stream in streams for rows in stream.record_batches([column]) for value in rows[column].to_pylist()
    ]


def moments(*streams: ExampleStream) -> list[int]:
    return values("time_ms", *streams)


def split(rows: Times) -> TimeSplit:
    return time_split(dataset(rows), {NIGHT - dt.timedelta(days=ago) for ago, _ in rows}, NIGHT)


@given(times)
def test_the_judged_part_is_later_than_the_others(rows: Times) -> None:
    rows += [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2)]
    parts = split(list(dict.fromkeys(rows)))
    assert max(moments(parts.train, *parts.holdout)) < min(moments(parts.judged))


@given(times)
def test_the_holdout_has_other_users_by_day(rows: Times) -> None:
    parts = split(list(dict.fromkeys([*rows, (0, 1), (0, 2), (1, 1), (1, 2)])))
    for train, holdout in ((parts.train, parts.holdout), (parts.publish_train, parts.publish_holdout)):
        assert set(values("user_id", train)).isdisjoint(values("user_id", *holdout))
        days = [set(values("date", day)) for day in holdout]
        assert all(len(day) <= 1 for day in days)
        assert len(days) == len(set(values("date", train, *holdout)))


def test_the_holdout_has_its_share_of_the_users() -> None:
    parts = split([(ago, moment) for ago in range(4) for moment in range(1000)])
    assert len(moments(*parts.holdout)) / 3000 == pytest.approx(HOLDOUT_SHARE, abs=0.02)


def test_parts_of_many_examples_are_those_of_a_sample_of_users(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(ago, moment) for ago in range(4) for moment in range(1000)]
    whole = split(rows)
    for name, most in {"TRAINED": 500, "HELD_OUT": 100, "JUDGED": 200}.items():
        monkeypatch.setattr(f"jobs.ads.time_split.MOST_{name}", most)
    parts = split(rows)
    assert len(moments(parts.train)) == pytest.approx(500, abs=5)
    assert len(moments(*parts.holdout)) == pytest.approx(100, abs=5)
    assert [len(moments(day)) for day in parts.holdout] == pytest.approx([33] * 3, abs=20)
    assert len(moments(parts.publish_train)) == pytest.approx(500, abs=5)
    assert 195 <= len(moments(parts.judged)) <= 200
    assert set(values("user_id", parts.train)).isdisjoint(values("user_id", *parts.holdout))
    assert set(values("user_id", parts.train)) < set(values("user_id", whole.train, *whole.holdout))
    assert re.fullmatch(
        r"trained on 2022-05-07 to 2022-05-09, judged on 2022-05-10; trained on the users with 20\..% of the examples; "
        r"judged on the users with (19|20)\..% of the examples",
        parts.rule,
    )


@given(times)
def test_a_night_with_earlier_days_is_judged_completely(rows: Times) -> None:
    rows = list(dict.fromkeys([*rows, (0, 1), (0, 2), (1, 1), (1, 2)]))
    parts = split(rows)
    known = [-ago * _DAY_MS + moment for ago, moment in rows if 1 <= ago <= TRAINING_DAYS]
    published = [-ago * _DAY_MS + moment for ago, moment in rows if 0 <= ago < TRAINING_DAYS]
    assert sorted(moments(parts.judged)) == sorted(moment for ago, moment in rows if ago == 0)
    assert sorted(moments(parts.train, *parts.holdout)) == sorted(known)
    assert sorted(moments(parts.publish_train, *parts.publish_holdout)) == sorted(published)


@given(st.lists(st.integers(0, 9) | st.integers(0, _DAY_MS - 1), min_size=8, max_size=60))
def test_impressions_of_the_same_time_are_in_the_same_part(night: list[int]) -> None:
    night = [0, *night]
    ordered = sorted(night)
    cut = ordered[int(len(ordered) * 0.8)]
    assume(cut > 0)
    parts = split([(0, moment) for moment in night])
    assert sorted(moments(parts.judged)) == [moment for moment in ordered if moment >= cut]


@given(times)
def test_a_first_day_is_split_by_time(rows: Times) -> None:
    day_rows = [(0, moment) for moment in {moment for _, moment in rows}]
    parts = split(day_rows)
    known, judged = moments(parts.train, *parts.holdout), moments(parts.judged)
    assert sorted(known + judged) == sorted(moment for _, moment in day_rows)
    assert len(judged) == len(day_rows) - int(len(day_rows) * 0.8)
    assert "first 80%" in parts.rule
    assert sorted(moments(parts.publish_train, *parts.publish_holdout)) == sorted(known + judged)


@given(times)
def test_later_days_are_never_read(rows: Times) -> None:
    rows = list(dict.fromkeys([*rows, (0, 1), (0, 2), (1, 1), (1, 2)]))
    without = [(ago, moment) for ago, moment in rows if ago >= 0]
    one, other = split(rows), split(without)
    for name in ("train", "judged", "publish_train"):
        assert sorted(moments(getattr(one, name))) == sorted(moments(getattr(other, name)))
    for name in ("holdout", "publish_holdout"):
        assert sorted(moments(*getattr(one, name))) == sorted(moments(*getattr(other, name)))


def test_a_first_day_with_one_time_cannot_be_split() -> None:
    with pytest.raises(CannotTrain, match="1 impressions with the same time cannot be split by time"):
        split([(0, 5)])
