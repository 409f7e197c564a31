"""Days of a time zone and the instants at which they begin, also if clocks change at midnight.

If clocks go forward over midnight, 00:00 does not exist; if they go back over it, 00:00 occurs twice. A place that moves to the
other side of the date line skips a whole day (Pacific/Apia, 30 December 2011); there is no night for it.
"""

import datetime as dt
from bisect import bisect_left

YESTERDAY = "yesterday"
"""Users may write this for the last complete night in the lake's time zone, whatever the time zone of the shell."""

_DAY = dt.timedelta(days=1)


def read_day(text: str) -> dt.date:
    """Parse a day written as YYYY-MM-DD.

    Raises:
        ValueError: the text is not a day, or it is out of range; the message is shown to the user.
    """
    try:
        day = dt.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise ValueError(f"{text!r} is not a day; write it as YYYY-MM-DD, e.g. 2022-05-01") from None
    if not 1970 <= day.year < dt.MAXYEAR:
        raise ValueError(f"{text!r} is out of range; use a day from 1970 on")
    return day


def read_night(text: str, now: dt.datetime, zone: dt.tzinfo) -> dt.date:
    """Parse a night: a day as in `read_day`, or YESTERDAY.

    Raises:
        ValueError: the text is neither, or the zone skipped this day; the message is shown to the user.
    """
    if text == YESTERDAY:
        return last_complete(now, zone)
    day = read_day(text)
    if not exists(day, zone):
        raise ValueError(f"{day} does not exist in {zone}, which crossed the date line; use the day before or after it")
    return day


def day_of(moment: dt.datetime, zone: dt.tzinfo) -> dt.date:
    """Return the calendar day in the zone at this moment."""
    return moment.astimezone(zone).date()


def beginning(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """Return the first moment, in UTC, of this day. Every earlier moment belongs to an earlier night."""
    midnights = (dt.datetime.combine(day, dt.time(fold=fold), zone).astimezone(dt.UTC) for fold in (0, 1))
    first, last = sorted(midnights)
    if day_of(last - dt.timedelta(seconds=1), zone) < day:
        return last
    # If clocks go back to midnight, the first midnight counts. If they go forward before midnight, the day begins in between.
    seconds = range(int(first.timestamp()), int(last.timestamp()))
    place = bisect_left(seconds, day, key=lambda second: dt.datetime.fromtimestamp(second, zone).date())
    return first + dt.timedelta(seconds=place)


def exists(day: dt.date, zone: dt.tzinfo) -> bool:
    """True if the zone has this day."""
    return beginning(day, zone) < beginning(day + _DAY, zone)


def day_before(day: dt.date, zone: dt.tzinfo) -> dt.date:
    """Return the previous day that exists in the zone."""
    earlier = day - _DAY
    return earlier if exists(earlier, zone) else day_before(earlier, zone)


def days_between(first: dt.date, last: dt.date, zone: dt.tzinfo) -> list[dt.date]:
    """Return the days that exist in the zone, from the first to the last, both included."""
    days = (first + dt.timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if exists(day, zone)]


def last_complete(now: dt.datetime, zone: dt.tzinfo) -> dt.date:
    """Return the last day of the zone that is over at this moment."""
    today = day_of(now, zone)
    # Clocks that go back over midnight repeat the end of the previous day.
    return day_before(today if beginning(today, zone) <= now else day_before(today, zone), zone)
