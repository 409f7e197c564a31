"""Conversion of the interactions as of a night to matrices."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from jobs.recommend.interactions import to_interactions

DAY = dt.date(2022, 5, 2)
VIDEOS = np.array([10, 20, 30])
SCHEMA = pa.schema(
    {
        "user_id": pa.string(),
        "video_id": pa.int64(),
        **dict.fromkeys(("strength", "strength_before"), pa.float64()),
        **dict.fromkeys(("views_before", "long_views_before", "long_views_on_day"), pa.int32()),
        **dict.fromkeys(("last_event_date", "last_event_date_before"), pa.date32()),
    }
)

pairs = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.sampled_from([5, 10, 20, 25, 30, 99])),
    st.fixed_dictionaries(
        {
            "before": st.integers(0, 2),
            "long_before": st.booleans(),
            "on_day": st.integers(0, 2),
            "long_on_day": st.booleans(),
            "ago": st.integers(1, 20),
        }
    ).filter(lambda r: r["before"] + r["on_day"] > 0),
    min_size=1,
)


def table(rows: Mapping[tuple[str, int], Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "user_id": user,
                "video_id": video,
                "strength": 2.0,
                "strength_before": 1.5 * (r["before"] > 0),
                "views_before": r["before"],
                "long_views_before": int(r["before"] > 0 and r["long_before"]),
                "long_views_on_day": int(r["on_day"] > 0 and r["long_on_day"]),
                "last_event_date": DAY - dt.timedelta(days=0 if r["on_day"] else r["ago"]),
                "last_event_date_before": DAY - dt.timedelta(days=r["ago"]) if r["before"] else None,
            }
            for (user, video), r in rows.items()
        ],
        SCHEMA,
    )


@given(pairs)
def test_each_pair_has_the_right_values(rows: dict[tuple[str, int], dict[str, Any]]) -> None:
    known = to_interactions(table(rows), VIDEOS, DAY)
    users = sorted({user for user, _ in rows})
    assert known.user_ids.tolist() == users
    assert known.before.strength.shape == (len(users), 3)
    for row, user in enumerate(users):
        assert known.active[row] == any(r["on_day"] > 0 or r["ago"] < 7 for (u, _), r in rows.items() if u == user)
        for column, video in enumerate(VIDEOS.tolist()):
            r = rows.get((user, video), {"before": 0, "on_day": 0, "long_on_day": False})
            assert known.after.watched[row, column] == (r["before"] + r["on_day"] > 0)
            assert known.after.strength[row, column] == 2.0 * (r["before"] + r["on_day"] > 0)
            assert known.before.watched[row, column] == (r["before"] > 0)
            assert known.before.strength[row, column] == 1.5 * (r["before"] > 0)
            assert known.targets[row, column] == (r["on_day"] > 0 and r["long_on_day"] and r["before"] == 0)


@given(pairs, st.randoms())
def test_the_order_of_rows_does_not_matter(rows: dict[tuple[str, int], dict[str, Any]], random: Any) -> None:
    shuffled = list(rows.items())
    random.shuffle(shuffled)
    one, two = to_interactions(table(rows), VIDEOS, DAY), to_interactions(table(dict(shuffled)), VIDEOS, DAY)
    assert one.user_ids.tolist() == two.user_ids.tolist()
    for a, b in ((one.after.strength, two.after.strength), (one.before.recent, two.before.recent)):
        np.testing.assert_array_equal(a.toarray(), b.toarray())


@given(pairs)
def test_before_contains_nothing_of_the_day(rows: dict[tuple[str, int], dict[str, Any]]) -> None:
    """Views of the day must not change the matrices that an evaluated model is fitted on."""
    before = to_interactions(table(rows), VIDEOS, DAY).before
    changed = {pair: {**r, "long_on_day": not r["long_on_day"]} for pair, r in rows.items()}
    after = to_interactions(table(changed), VIDEOS, DAY).before
    for a, b in ((before.strength, after.strength), (before.watched, after.watched), (before.recent, after.recent)):
        np.testing.assert_array_equal(a.toarray(), b.toarray())


@given(pairs)
def test_recent_before_the_day_is_what_a_night_earlier_knows(rows: dict[tuple[str, int], dict[str, Any]]) -> None:
    """A pair that was watched again on the day was recent before it too."""
    earlier = {pair: {**r, "on_day": 0} for pair, r in rows.items()}
    one, two = to_interactions(table(rows), VIDEOS, DAY), to_interactions(table(earlier), VIDEOS, DAY)
    np.testing.assert_array_equal(one.before.recent.toarray(), two.before.recent.toarray())


def test_recent_is_counted_from_the_last_day_with_views() -> None:
    base = {"before": 1, "long_before": True, "on_day": 0, "long_on_day": False}
    rows = {("a", 10): {**base, "ago": 5}, ("a", 20): {**base, "ago": 6}, ("b", 30): {**base, "ago": 7}}
    known = to_interactions(table(rows), VIDEOS, DAY)
    np.testing.assert_array_equal(known.before.recent.toarray(), [[1, 1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(known.after.recent.toarray(), [[1, 1, 0], [0, 0, 0]])
