"""`make backfill STALE=1` runs what is stale, then what has turned stale by that, and knows when to give up."""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.daemon import ServiceError
from infra.local.stale import ranges, run_until_fresh

MAY = [dt.date(2022, 4, 30) + dt.timedelta(days=day) for day in range(32)]


@given(st.sets(st.integers(0, 31)))
def test_nights_run_in_ranges_without_the_nights_between(days: set[int]) -> None:
    nights = [MAY[day] for day in sorted(days)]
    found = ranges(nights)
    assert [first + dt.timedelta(days=n) for first, last in found for n in range((last - first).days + 1)] == nights
    assert all(later[0] - earlier[1] > dt.timedelta(days=1) for earlier, later in pairwise(found))


def test_what_turns_stale_is_run_as_well() -> None:
    turns = [[MAY[1], MAY[2]], [MAY[2], MAY[9]], []]
    runs: list[Sequence[dt.date]] = []

    def run(nights: Sequence[dt.date]) -> bool:
        runs.append(nights)
        return True

    assert run_until_fresh(lambda: turns[len(runs)], run) == [MAY[1], MAY[2], MAY[9]]
    assert runs == turns[:2]


def test_it_stops_at_a_night_that_fails_and_where_there_is_no_end() -> None:
    assert run_until_fresh(list, lambda nights: True) == []
    assert run_until_fresh(lambda: [MAY[1]], lambda nights: False) is None
    with pytest.raises(ServiceError, match="2022-05-01 still stale after 5 rounds"):
        run_until_fresh(lambda: [MAY[1]], lambda nights: True)
