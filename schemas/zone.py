"""The lake's time zone, NIGHTREEL_TIMEZONE: a night ends at its midnight."""

import os
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

DEFAULT = "Asia/Shanghai"
# Entries of a tz database that are not zones of places: a placeholder, and the machine's own zone.
_NOT_PLACES = frozenset({"Factory", "localtime"})


class UnknownZone(ValueError):
    """NIGHTREEL_TIMEZONE is not a time zone; the message is one line that says what to write."""


def zone() -> ZoneInfo:
    """Return the time zone given by NIGHTREEL_TIMEZONE; Asia/Shanghai if it is not set.

    Raises:
        UnknownZone: it is not a time zone, or it is empty: an empty variable is probably a mistake.
    """
    name = os.environ.get("NIGHTREEL_TIMEZONE", DEFAULT)
    if name in _zone_names():
        return ZoneInfo(name)
    similar = _similar_names(name)
    hint = f"did you mean {' or '.join(similar)}?" if similar else f"use a name such as {DEFAULT}"
    raise UnknownZone(f"NIGHTREEL_TIMEZONE={name!r} is not a time zone; {hint}")


@cache
def _zone_names() -> list[str]:
    return sorted(available_timezones() - _NOT_PLACES)


def _similar_names(name: str) -> list[str]:
    """Return zones whose name or city equals `name` except for case, otherwise those that differ in a few letters."""
    candidates = [
        full for full in _zone_names() if not full.startswith("Etc/")
    ]  # Etc/GMT+8 is 8 hours behind UTC, not ahead
    normalized = name.strip().replace(" ", "_").casefold()
    same = [full for full in candidates if normalized in (full.casefold(), full.casefold().rpartition("/")[2])]
    return same or get_close_matches(name, candidates, n=2, cutoff=0.85)
