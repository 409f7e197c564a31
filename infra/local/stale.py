"""In which order stale nights are run again, and for how long."""

import datetime as dt
from collections.abc import Callable, Sequence

from infra.local.daemon import ServiceError

_ROUNDS = 5


def ranges(nights: Sequence[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """The first and last of each run of consecutive nights, of nights in order."""
    found: list[tuple[dt.date, dt.date]] = []
    for day in nights:
        if found and day - found[-1][1] == dt.timedelta(days=1):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def until_none(
    stale: Callable[[], Sequence[dt.date]], run: Callable[[Sequence[dt.date]], bool]
) -> list[dt.date] | None:
    """Run stale nights until there are none: what follows from a night turns stale only when the night has changed.

    Returns:
        The nights that were run, in order; None if one of them did not succeed.

    Raises:
        ServiceError: nights turn stale again and again.
    """
    done: set[dt.date] = set()
    for _ in range(_ROUNDS):
        if not (nights := stale()):
            return sorted(done)
        if not run(nights):
            return None
        done |= set(nights)
    if not (nights := stale()):
        return sorted(done)
    raise ServiceError(f"{', '.join(map(str, nights))} stale again after {_ROUNDS} rounds; make stale says why")
