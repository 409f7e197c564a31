"""The lake's time zone: NIGHTREEL_TIMEZONE, whose midnights end the nights."""

import os
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

DEFAULT = "Asia/Shanghai"
# What the tz database and an installation of it have beside the zones of places: a placeholder, and this machine's own zone.
_NO_PLACES = frozenset({"Factory", "localtime"})


class UnknownZone(ValueError):
    """NIGHTREEL_TIMEZONE names no zone; the message is one line that says what to write."""


def zone() -> ZoneInfo:
    """The zone that NIGHTREEL_TIMEZONE names, Asia/Shanghai where it is not set.

    Raises:
        UnknownZone: it is set to something else, to nothing included: an empty variable is more often a mistake than a wish.
    """
    name = os.environ.get("NIGHTREEL_TIMEZONE", DEFAULT)
    if name in _known():
        return ZoneInfo(name)
    near = _near(name)
    hint = f"did you mean {' or '.join(near)}?" if near else f"use a name such as {DEFAULT}"
    raise UnknownZone(f"NIGHTREEL_TIMEZONE={name!r} is not a time zone; {hint}")


@cache
def _known() -> list[str]:
    return sorted(available_timezones() - _NO_PLACES)


def _near(name: str) -> list[str]:
    """Zones whose name or place is this one in another case, otherwise those that differ in a few letters."""
    likely = [full for full in _known() if not full.startswith("Etc/")]  # Etc/GMT+8 is eight hours behind, not ahead
    meant = name.strip().replace(" ", "_").casefold()
    same = [full for full in likely if meant in (full.casefold(), full.casefold().rpartition("/")[2])]
    return same or get_close_matches(name, likely, n=2, cutoff=0.85)
