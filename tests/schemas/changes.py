"""Every change of every zone's clocks between 1990 and 2037, found by asking for the time again and again."""

import datetime as dt
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

FIRST, LAST = dt.datetime(1990, 1, 1, tzinfo=dt.UTC), dt.datetime(2038, 1, 1, tzinfo=dt.UTC)
_STEP = 7 * 86_400
"""Seconds; no zone changes its clocks and changes them back in less: steps of a day find the same changes."""

Change = tuple[int, int]
"""Since when, in seconds since 1970, and the offset to UTC from then on."""


def changes(zone: ZoneInfo) -> list[Change]:
    """The changes in order; the first one stands for what holds in 1990."""
    found = [(int(FIRST.timestamp()), offset(int(FIRST.timestamp()), zone))]
    for before, after in pairwise(range(found[0][0], int(LAST.timestamp()), _STEP)):
        if (new := offset(after, zone)) != found[-1][1]:
            at = before + bisect_left(range(before, after), True, key=lambda t: offset(t, zone) != found[-1][1])
            found.append((at, new))
    return found


@cache
def zones() -> Mapping[ZoneInfo, Sequence[Change]]:
    """Each zone of the tz database once, of those with the same clocks the first by name, with its changes."""
    found: dict[tuple[Change, ...], ZoneInfo] = {}
    for name in sorted(available_timezones() - {"Factory", "localtime"}):
        found.setdefault(tuple(changes(ZoneInfo(name))), ZoneInfo(name))
    return {zone: known for known, zone in found.items()}


def days_around(known: Sequence[Change]) -> list[dt.date]:
    """The days on which the clocks change, and two days before and after."""
    found = set()
    for at, new in known[1:]:
        day = dt.datetime.fromtimestamp(at + new, dt.UTC).date()
        found |= {day + dt.timedelta(days=number) for number in range(-2, 3)}
    return sorted(found)


def offset(second: int, zone: ZoneInfo) -> int:
    """The offset to UTC, in seconds, at a moment."""
    found = dt.datetime.fromtimestamp(second, zone).utcoffset()
    assert found is not None
    return int(found.total_seconds())
