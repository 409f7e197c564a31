"""The order in which stale nights are rerun, and when to stop."""

import datetime as dt
from collections.abc import Callable, Sequence

from infra.local.daemon import ServiceError

_ROUNDS = 5


def ranges(nights: Sequence[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """Group sorted nights into ranges of consecutive nights: (first, last) of each range."""
    ranges_: list[tuple[dt.date, dt.date]] = []
    for day in nights:
        if ranges_ and day - ranges_[-1][1] == dt.timedelta(days=1):
            ranges_[-1] = (ranges_[-1][0], day)
        else:
            ranges_.append((day, day))
    return ranges_


def run_until_fresh(
    stale: Callable[[], Sequence[dt.date]], run: Callable[[Sequence[dt.date]], bool]
) -> list[dt.date] | None:
    """Run stale nights until none is left. Later nights may become stale when an earlier night has changed.

    Args:
        stale: returns the stale nights.
        run: runs nights; returns True if all succeeded.

    Returns:
        The nights that were run, in order; None if one of them failed.

    Raises:
        ServiceError: there are still stale nights after several rounds.
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
    raise ServiceError(
        f"{', '.join(map(str, nights))} still stale after {_ROUNDS} rounds; run `make stale` for the reasons"
    )
