"""Days of a time zone and the moments at which they begin, whatever its clocks do at midnight.

Where clocks go forward over midnight, 00:00 does not exist; where they go back over it, 00:00 comes twice. Where a place moves
to the other side of the date line, a whole day is left out (Pacific/Apia, 30 December 2011), and is no night.
"""

import datetime as dt
from bisect import bisect_left

YESTERDAY = "yesterday"
"""What a person may say for the last night that is over in the lake's zone, whatever the zone of the shell."""

_DAY = dt.timedelta(days=1)


def read_day(text: str) -> dt.date:
    """The day written as YYYY-MM-DD.

    Raises:
        ValueError: it is no day, or one that no log can be of; the message is for a person.
    """
    try:
        day = dt.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise ValueError(f"{text!r} is not a day; write it as YYYY-MM-DD, e.g. 2022-05-01") from None
    if not 1970 <= day.year < dt.MAXYEAR:
        raise ValueError(f"{text!r} is not a day that a log can be of; take one from 1970 on")
    return day


def read_night(text: str, now: dt.datetime, zone: dt.tzinfo) -> dt.date:
    """The night that is named: a day as `read_day` reads it, or YESTERDAY.

    Raises:
        ValueError: it is neither, or a day that the zone left out; the message is for a person.
    """
    if text == YESTERDAY:
        return last_complete(now, zone)
    day = read_day(text)
    if not exists(day, zone):
        raise ValueError(f"there was no {day} in {zone}, which crossed the date line; take the day before or after it")
    return day


def day_of(moment: dt.datetime, zone: dt.tzinfo) -> dt.date:
    """The day that the calendars of the zone show at this moment."""
    return moment.astimezone(zone).date()


def beginning(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """The moment, in UTC, from which on it is this day or a later one: all that comes before belongs to earlier nights."""
    midnights = (dt.datetime.combine(day, dt.time(fold=fold), zone).astimezone(dt.UTC) for fold in (0, 1))
    first, last = sorted(midnights)
    if day_of(last - dt.timedelta(seconds=1), zone) < day:
        return last
    # Clocks go back to midnight, so that the first one counts; or they go forward from before midnight, in between.
    seconds = range(int(first.timestamp()), int(last.timestamp()))
    place = bisect_left(seconds, day, key=lambda second: dt.datetime.fromtimestamp(second, zone).date())
    return first + dt.timedelta(seconds=place)


def exists(day: dt.date, zone: dt.tzinfo) -> bool:
    """Whether the zone has this day."""
    return beginning(day, zone) < beginning(day + _DAY, zone)


def day_before(day: dt.date, zone: dt.tzinfo) -> dt.date:
    """The last day of the zone before this one."""
    earlier = day - _DAY
    return earlier if exists(earlier, zone) else day_before(earlier, zone)


def days_between(first: dt.date, last: dt.date, zone: dt.tzinfo) -> list[dt.date]:
    """The days of the zone from the first to the last one, both included."""
    days = (first + dt.timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if exists(day, zone)]


def last_complete(now: dt.datetime, zone: dt.tzinfo) -> dt.date:
    """The last day of the zone that is over at this moment."""
    today = day_of(now, zone)
    # Clocks that go back over midnight bring the day before once more.
    return day_before(today if beginning(today, zone) <= now else day_before(today, zone), zone)
