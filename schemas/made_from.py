"""The sources of a table or model (`madeFrom`), and which of their days a night reads.

A source is a table (`silver.videos`), a feed of the landing (`landing.users`) or a model (`models.recommender`). Its days are
counted back from the night: `0` is the night itself, `1` the previous day, `0-6` a week, `1-late` the days before the night whose
events may still arrive. `once` marks a feed that does not land every night. A night never reads later days: it is made from what
had arrived by its end.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass

LANDING = "landing."
MODELS = "models."

_SOURCE = re.compile(r"(bronze|silver|gold|ops|landing|models)\.[a-z][a-z0-9_]*")
_DAYS = re.compile(r"(\d{1,4})(?:-(\d{1,4}|late))?")
_ONCE = "once"


@dataclass(frozen=True)
class DaysBack:
    """Days counted back from a night."""

    first: int
    last: int | None
    """None for NIGHTREEL_LATE_DAYS, the number of days that an event may arrive late."""
    once: bool = False
    """True if the source lands only once, under the day of the night that reads it."""

    def __str__(self) -> str:
        if self.once:
            return _ONCE
        return (
            str(self.first) if self.last == self.first else f"{self.first}-{'late' if self.last is None else self.last}"
        )

    @property
    def earlier(self) -> bool:
        """True if they may include days before the night."""
        return self.last is None or self.last > 0

    def of(self, night: dt.date, late_days: int) -> list[dt.date]:
        """Return the dates, newest first. `1-late` gives no dates if `late_days` is 0."""
        last = late_days if self.last is None else self.last
        return [night - dt.timedelta(days=ago) for ago in range(self.first, last + 1)]


def read_made_from(declared: Mapping[str, object] | None) -> dict[str, DaysBack]:
    """Parse the `madeFrom` of a contract or model: source -> days.

    Raises:
        ValueError: it is invalid; the message says why and what to write.
    """
    if not isinstance(declared or {}, Mapping):
        raise ValueError(f"madeFrom is {declared!r}; write a mapping of sources and days, e.g. silver.videos: 0")
    return {source: _days(source, text) for source, text in (declared or {}).items()}


def _days(source: str, declared: object) -> DaysBack:
    if not _SOURCE.fullmatch(source):
        raise ValueError(f"madeFrom: {source!r} is not a source; write LAYER.TABLE, landing.FEED or models.MODEL")
    text = str(declared)
    if text == _ONCE and source.startswith(LANDING):
        return DaysBack(0, 0, once=True)
    match = _DAYS.fullmatch(text)
    if match is None:
        raise ValueError(f"madeFrom: {source}: {text!r} is not valid; write 0, 1, 0-6 or 1-late (or once for a feed)")
    first, last = int(match[1]), match[2] or match[1]
    if last == "late":
        return DaysBack(first, None)
    if int(last) < first:
        raise ValueError(f"madeFrom: {source}: {text!r} ends before it begins; write {last}-{first}")
    return DaysBack(first, int(last))
