"""The lines of a night's log, in the order in which they were logged, with the faults of real logs.

Faults are duplicates (the phone sent a row again), rows that arrive days late (the phone was offline) and broken lines.
"""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy
import polars

from jobs.ingest.feeds import BEHAVIOR_LOGS, NIGHTLY
from jobs.ingest.simulator.catalogue import Catalogue
from jobs.ingest.simulator.exposure import Views
from jobs.ingest.simulator.population import Users
from jobs.ingest.simulator.response import Responses
from jobs.ingest.simulator.sessions import Sessions
from schemas.days import beginning

DUPLICATES = 0.027
"""Share of rows that are sent again unchanged."""

CORRECTED = 0.002
"""Share of rows that are sent again with a longer play time, under the same key (user, video, time)."""

DAYS_LATE = 0.001
"""Share of rows that arrive one to three days late."""

BROKEN = 0.001
"""Share of broken lines."""

DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_SWIPE_MS = 600
_LATEST_DAYS = 3


def log_rows(
    users: Users,
    sessions: Sessions,
    views: Views,
    responses: Responses,
    shown: Catalogue,
    midnight: dt.datetime,
    next_midnight: dt.datetime,
    rng: numpy.random.Generator,
) -> polars.DataFrame:
    """Return the rows of the night's log in the columns of the landing, with duplicates and late rows, in the order of logging.

    Args:
        users, sessions, views, responses, shown: the simulated events.
        midnight: the beginning of the day, in the lake's time zone.
        next_midnight: its end. The last hour of a day of 25 hours has no events.
        rng: the random generator of the faults.
    """
    spent = responses.columns["play_time_ms"] + _SWIPE_MS
    before = spent.cumsum() - spent
    first_view = numpy.searchsorted(views.session, views.session)
    viewed_ms = sessions.start_ms[views.session] + before - before[first_view]
    logged_ms = viewed_ms + sessions.delay_ms[views.session]
    length_ms = int((next_midnight.timestamp() - midnight.timestamp()) * 1000)  # hours of day are 0 to 23 on every day
    late = (rng.random(len(viewed_ms)) < DAYS_LATE) & (shown.age_days[views.video] > _LATEST_DAYS)
    viewed_ms = viewed_ms - DAY_MS * late * rng.integers(1, _LATEST_DAYS + 1, len(late))
    rows = polars.DataFrame(
        {
            "user_id": users.user_id[views.user],
            "video_id": shown.video_id[views.video],
            "date": numpy.full(len(late), int(f"{midnight:%Y%m%d}")),
            "hourmin": logged_ms // _HOUR_MS * 100,
            "time_ms": int(midnight.timestamp() * 1000) + viewed_ms,
            **responses.columns,
            "is_rand": numpy.zeros(len(late), int),
            "tab": sessions.tab[views.session],
            "logged_ms": logged_ms,
        }
    ).filter(polars.col("logged_ms") < min(DAY_MS, length_ms))
    again = rows.filter(rng.random(len(rows)) < DUPLICATES)
    corrected = rows.filter(rng.random(len(rows)) < CORRECTED).with_columns(polars.col("play_time_ms") + 1_000)
    logged = polars.concat([rows, again, corrected]).sort("logged_ms", maintain_order=True)
    return logged.select(NIGHTLY[BEHAVIOR_LOGS].required)


def log_text(rows: polars.DataFrame, rng: numpy.random.Generator) -> bytes:
    """Return the rows as CSV lines without a header; a few of them are broken."""
    lines = rows.write_csv(include_header=False).encode().split(b"\n")[:-1]
    broken = numpy.flatnonzero(rng.random(len(lines)) < BROKEN)
    for place, kind in zip(broken.tolist(), rng.integers(len(_BREAKS), size=len(broken)).tolist(), strict=True):
        lines[place] = _BREAKS[kind](lines[place])
    return b"\n".join(lines) + b"\n" if lines else b""


def midnight_of(date: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return the beginning of a day in a time zone, as local time."""
    return beginning(date, zone).astimezone(zone)


def _replace(line: bytes, column: str, value: bytes) -> bytes:
    fields = line.split(b",")
    fields[NIGHTLY[BEHAVIOR_LOGS].required.index(column)] = value
    return b",".join(fields)


_BREAKS = (
    lambda line: line[: len(line) // 2],
    lambda line: line + b",0",
    lambda line: b"",
    lambda line: _replace(line, "user_id", b""),
    lambda line: _replace(line, "video_id", b"null"),
    lambda line: _replace(line, "time_ms", b"yesterday"),
    lambda line: _replace(line, "time_ms", b"0"),
    lambda line: _replace(line, "play_time_ms", b"-1"),
    lambda line: _replace(line, "is_click", b"7"),
    lambda line: _replace(line, "duration_ms", b"1e99"),
    lambda line: _replace(line, "tab", b"\xff\xfe\x00\x80"),
    lambda line: b"\xc3\x28 " + line[::-1],
)
