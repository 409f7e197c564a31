"""Days begin and end where they do, in every zone, on every day on which clocks change."""

import datetime as dt
import random
from collections.abc import Sequence
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.days import beginning, day_before, day_of, days_between, exists, last_complete, read_day, read_night
from tests.schemas.changes import FIRST, LAST, Change, days_around, zones

_SECOND = dt.timedelta(seconds=1)
_DAY = dt.timedelta(days=1)
_OTHER_DAYS = 20


def by_offsets(day: dt.date, changes: Sequence[Change]) -> int:
    """The last moment before which it was an earlier day, from the offsets alone."""
    midnight = int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())
    ends = [*(at for at, _ in changes[1:]), 2**40]
    return max(min(end, midnight - new) for (at, new), end in zip(changes, ends, strict=True) if midnight - new > at)


def test_a_day_begins_when_all_earlier_ones_are_over() -> None:
    for zone, changes in zones().items():
        chance = random.Random(zone.key)
        others = [dt.date(1990, 1, 3) + dt.timedelta(days=chance.randrange(17_500)) for _ in range(_OTHER_DAYS)]
        for day in [*days_around(changes), *others]:
            if day > FIRST.date() + _DAY:
                assert int(beginning(day, zone).timestamp()) == by_offsets(day, changes), (zone, day)


def test_every_moment_is_in_one_night_and_every_night_is_one_day() -> None:
    left_out = set()
    for zone, changes in zones().items():
        for day in days_around(changes):
            begin, end = beginning(day, zone), beginning(day + _DAY, zone)
            if exists(day, zone):
                assert day_of(begin, zone) == day
                assert day_of(end - _SECOND, zone) == day, "the last second before the next day begins"
                assert day_before(day, zone) == day_of(begin - _SECOND, zone)
                assert last_complete(end, zone) == day
                assert last_complete(end - _SECOND, zone) == day_before(day, zone)
            else:
                assert begin == end
                left_out.add(day)
    assert left_out >= {dt.date(2011, 12, 30), dt.date(1993, 8, 21)}, "of Apia and of Kwajalein"


@pytest.mark.parametrize(
    ("zone", "day", "utc", "hours"),
    [
        ("Asia/Shanghai", "2022-05-01", "2022-04-30T16:00", 24),
        ("Asia/Shanghai", "1990-04-15", "1990-04-14T16:00", 23),
        ("Africa/Cairo", "2024-04-25", "2024-04-24T22:00", 24),
        ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00", 23),  # 00:00 did not exist
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00", 23),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00", 23),
        ("America/Havana", "2022-11-06", "2022-11-06T04:00", 25),  # 00:00 came twice: the first
        ("America/St_Johns", "2006-10-29", "2006-10-29T03:30", 24),  # at 00:01 clocks went back to 23:01: the second
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", 24),
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30", 23.5),  # clocks went from 23:30 to 00:30
        ("Pacific/Kwajalein", "1969-09-30", "1969-09-29T13:00", 47),  # the date line, the other way
    ],
)
def test_days_that_are_known(zone: str, day: str, utc: str, hours: float) -> None:
    begin = beginning(dt.date.fromisoformat(day), ZoneInfo(zone))
    assert begin.replace(tzinfo=None).isoformat(timespec="minutes") == utc
    length = beginning(dt.date.fromisoformat(day) + _DAY, ZoneInfo(zone)) - begin
    assert length / dt.timedelta(hours=1) == hours


def test_a_range_has_the_days_that_there_were() -> None:
    apia = ZoneInfo("Pacific/Apia")
    days = days_between(dt.date(2011, 12, 28), dt.date(2012, 1, 1), apia)
    assert [day.day for day in days] == [28, 29, 31, 1]
    assert days_between(dt.date(2011, 12, 30), dt.date(2011, 12, 30), apia) == []
    assert day_before(dt.date(2011, 12, 31), apia) == dt.date(2011, 12, 29)


@given(st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)), st.timezones())
def test_yesterday_is_over_and_today_is_not(moment: dt.datetime, zone: ZoneInfo) -> None:
    now = moment.replace(tzinfo=dt.UTC)
    yesterday = read_night("yesterday", now, zone)
    assert exists(yesterday, zone)
    following = pairwise([yesterday, *days_between(yesterday + _DAY, yesterday + 3 * _DAY, zone)])
    today = next(later for _, later in following)
    assert beginning(today, zone) <= now < beginning(today + _DAY, zone)


def test_yesterday_is_that_of_the_zone_not_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    now = dt.datetime(2026, 7, 25, 16, 30, tzinfo=dt.UTC)
    for shell in ("UTC", "America/Los_Angeles", "Pacific/Kiritimati"):
        monkeypatch.setenv("TZ", shell)
        assert read_night("yesterday", now, ZoneInfo("Asia/Shanghai")) == dt.date(2026, 7, 25)
        assert read_night("yesterday", now, ZoneInfo("UTC")) == dt.date(2026, 7, 24)


@given(st.dates(dt.date(1970, 1, 1), dt.date(2099, 12, 31)))
def test_a_day_is_read_as_it_is_written(day: dt.date) -> None:
    assert read_day(str(day)) == day


@pytest.mark.parametrize("text", ["", " ", "2022-13-01", "01.05.2022", "20220501", "2022-02-30", "2022-05-01T00:00"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a day; write it as YYYY-MM-DD"):
        read_night(text, FIRST, ZoneInfo("UTC"))


@pytest.mark.parametrize("text", ["0001-01-01", "1969-12-31", "9999-12-31"])
def test_a_day_of_no_log_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is out of range; use a day from 1970 on"):
        read_day(text)


def test_a_day_that_was_left_out_is_no_night() -> None:
    with pytest.raises(
        ValueError, match="2011-12-30 does not exist in Pacific/Apia, which crossed the date line; use the day before"
    ):
        read_night("2011-12-30", LAST, ZoneInfo("Pacific/Apia"))
