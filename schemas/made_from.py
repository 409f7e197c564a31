"""What a table or a model is made from: its sources, and which of their days go into a night.

A source is a table (`silver.videos`), a feed of the landing (`landing.users`) or a model (`models.recommender`). Its days are
counted back from the night: `0` is the night itself, `1` the day before, `0-6` a week, `1-late` the days before the night whose
events may still arrive. `once` is said of a feed that does not land every night. Days after the night are never read: a night is
made from what had arrived by its end.
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
    """None: as many as an event may arrive late (NIGHTREEL_LATE_DAYS)."""
    once: bool = False
    """Whether the source lands once only, under the day of the night that is made from it."""

    def __str__(self) -> str:
        if self.once:
            return _ONCE
        return (
            str(self.first) if self.last == self.first else f"{self.first}-{'late' if self.last is None else self.last}"
        )

    @property
    def earlier(self) -> bool:
        """Whether days before the night may be among them."""
        return self.last is None or self.last > 0

    def of(self, night: dt.date, late_days: int) -> list[dt.date]:
        """The days themselves, newest first; none where `1-late` meets a lake without late days."""
        last = late_days if self.last is None else self.last
        return [night - dt.timedelta(days=ago) for ago in range(self.first, last + 1)]


def read_made_from(declared: Mapping[str, object] | None) -> dict[str, DaysBack]:
    """Read `madeFrom` as contracts and models declare it: source -> days.

    Raises:
        ValueError: it cannot be understood; the message says why and what to write.
    """
    if not isinstance(declared or {}, Mapping):
        raise ValueError(f"madeFrom is {declared!r}; write a mapping of sources and days, e.g. silver.videos: 0")
    return {source: _days(source, text) for source, text in (declared or {}).items()}


def _days(source: str, declared: object) -> DaysBack:
    if not _SOURCE.fullmatch(source):
        raise ValueError(f"madeFrom: {source!r} is no source; write LAYER.TABLE, landing.FEED or models.MODEL")
    text = str(declared)
    if text == _ONCE and source.startswith(LANDING):
        return DaysBack(0, 0, once=True)
    found = _DAYS.fullmatch(text)
    if found is None:
        raise ValueError(f"madeFrom: {source}: {text!r} are no days; write 0, 1, 0-6 or 1-late (once for a feed)")
    first, last = int(found[1]), found[2] or found[1]
    if last == "late":
        return DaysBack(first, None)
    if int(last) < first:
        raise ValueError(f"madeFrom: {source}: {text!r} ends before it begins; write {last}-{first}")
    return DaysBack(first, int(last))
