"""When users open the app, on which tab, and how long they stay."""

import datetime as dt
from dataclasses import dataclass

import numpy

from jobs.ingest.simulator.population import Users, hour_shares

VIEWS_A_SESSION = 9.0
"""Mean number of videos shown in a session; the distribution is geometric."""

DAY_FACTORS = (0.94, 0.92, 0.92, 0.94, 1.02, 1.15, 1.11)
"""Relative activity per weekday, Monday first; the mean is 1."""

TABS = (1, 0, 4, 6, 2, 8, 5)
"""Tabs of the app in descending order of sessions; 1 is the main feed, where recommendations are shown."""

_TAB_SHARES = (0.75, 0.092, 0.061, 0.056, 0.029, 0.007, 0.005)
_FAVOURITE = 0.35  # share of sessions that begin around the user's own hour
_HOUR_MS = 3_600_000
_HURRIED_UPLOAD_MS = 4 * 60_000
_SLOW_UPLOAD_MS = 40 * 60_000
_SLOW_UPLOADS = 0.26
_LONGEST_UPLOAD_MS = 3 * _HOUR_MS


@dataclass(frozen=True)
class Sessions:
    """Sessions of one day as arrays of one length, sorted by user, then by time."""

    user: numpy.ndarray
    """Index into the block of users."""
    start_ms: numpy.ndarray
    """First view, milliseconds after the day's midnight; negative if it was on the evening before."""
    delay_ms: numpy.ndarray
    """Delay until the phone sends a view; the log contains the hour of sending."""
    tab: numpy.ndarray
    views: numpy.ndarray


def sessions(users: Users, date: dt.date, views_a_user: float, rng: numpy.random.Generator) -> Sessions:
    """Draw the sessions of a block of users whose first view is logged on `date`.

    Args:
        users: the block.
        date: the day; the activity depends on its weekday.
        views_a_user: mean number of views per user and day, including inactive users.
        rng: the random generator.
    """
    mean = views_a_user / VIEWS_A_SESSION * DAY_FACTORS[date.weekday()]
    count = rng.poisson(users.activity * mean)
    user = numpy.arange(len(users)).repeat(count)
    size = len(user)
    hour = rng.choice(24, size=size, p=hour_shares())
    favourite = (users.favourite_hour[user] + rng.integers(-1, 2, size)) % 24
    hour = numpy.where(rng.random(size) < _FAVOURITE, favourite, hour)
    logged_ms = hour * _HOUR_MS + rng.integers(_HOUR_MS, size=size)
    in_order = numpy.lexsort((logged_ms, user))
    slow = rng.random(size) < _SLOW_UPLOADS
    delay_ms = (
        rng.exponential(numpy.where(slow, _SLOW_UPLOAD_MS, _HURRIED_UPLOAD_MS)).clip(max=_LONGEST_UPLOAD_MS).astype(int)
    )
    return Sessions(
        user=user,
        start_ms=logged_ms[in_order] - delay_ms,
        delay_ms=delay_ms,
        tab=rng.choice(TABS, size=size, p=_TAB_SHARES),
        views=rng.geometric(1 / VIEWS_A_SESSION, size),
    )
