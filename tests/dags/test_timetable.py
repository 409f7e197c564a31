"""One run a night, every night: the schedule of midnights in every zone, on every day on which clocks change."""

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pendulum
import pytest
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.base import DataInterval, TimeRestriction

from dags._night import NIGHTLY, WEEKLY, night
from dags._timetable import EndOfDays
from schemas.days import beginning, days_between, last_complete
from tests.schemas.changes import days_around, zones

_DAY = dt.timedelta(days=1)


def moment(at: dt.datetime) -> pendulum.DateTime:
    return pendulum.instance(at.astimezone(dt.UTC))


def intervals(timetable: EndOfDays, earliest: dt.datetime, latest: dt.datetime) -> list[DataInterval]:
    """Those that a backfill of this range gets, as Airflow asks for them."""
    restriction = TimeRestriction(moment(earliest), moment(latest), catchup=True)
    found: list[DataInterval] = []
    while info := timetable.next_dagrun_info(
        last_automated_data_interval=found[-1] if found else None, restriction=restriction
    ):
        assert info.data_interval is not None
        assert info.run_after == info.data_interval.end
        assert info.logical_date == info.data_interval.start
        found.append(info.data_interval)
    return found


def test_in_every_zone_every_night_is_run_once() -> None:
    nights = 0
    for zone, changes in zones().items():
        timetable = EndOfDays(zone.key)
        for changed in days_around(changes)[2::5]:
            expected = days_between(changed - 2 * _DAY, changed + 2 * _DAY, zone)
            found = intervals(timetable, beginning(expected[0], zone), beginning(expected[-1], zone))
            assert [night(interval.start, zone) for interval in found] == expected, zone
            assert all(earlier.end == later.start for earlier, later in pairwise(found)), zone
            nights += len(found)
    assert nights > 40_000


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Africa/Cairo", dt.date(2024, 4, 26)),
        ("America/Santiago", dt.date(2026, 9, 6)),
        ("Asia/Beirut", dt.date(2026, 3, 29)),
        ("America/Havana", dt.date(2022, 3, 13)),
        ("America/Havana", dt.date(2022, 11, 6)),
        ("America/St_Johns", dt.date(2006, 10, 29)),
        ("America/Asuncion", dt.date(2023, 10, 1)),
        ("Asia/Tehran", dt.date(2022, 3, 22)),
        ("Asia/Amman", dt.date(2022, 2, 25)),
        ("Atlantic/Azores", dt.date(2024, 3, 31)),
        ("Asia/Shanghai", dt.date(1990, 4, 15)),
        ("Pacific/Apia", dt.date(2011, 12, 31)),
    ],
)
@pytest.mark.parametrize("fold", [0, 1])
def test_a_night_alone_is_found_by_either_of_two_midnights(zone: str, day: dt.date, fold: int) -> None:
    place = ZoneInfo(zone)
    for begun in (day - 2 * _DAY, day, day + _DAY):
        (expected,) = days_between(begun, begun, place)
        midnight = dt.datetime.combine(begun, dt.time(fold=fold), place)
        exists = midnight.astimezone(dt.UTC).astimezone(place).replace(tzinfo=None) == midnight.replace(tzinfo=None)
        asked = midnight if exists else beginning(begun, place)
        (found,) = intervals(EndOfDays(zone), asked, asked)
        assert night(found.start, place) == expected
        assert found.end == beginning(begun + _DAY, place)


def test_weeks_go_from_monday_to_monday_in_every_zone() -> None:
    monday = dt.date(2012, 3, 26)
    for zone in zones():
        weeks = intervals(EndOfDays(zone.key, weekday=0), beginning(monday, zone), beginning(monday + 70 * _DAY, zone))
        assert [night(week.start, zone) for week in weeks] == [monday + 7 * number * _DAY for number in range(11)]
        assert all(earlier.end == later.start for earlier, later in pairwise(weeks))


def test_without_catchup_the_last_night_that_is_over_comes_next() -> None:
    for zone in zones():
        old = DataInterval(*(moment(beginning(dt.date(2022, 5, number), zone)) for number in (1, 2)))
        restriction = TimeRestriction(moment(beginning(dt.date(2022, 1, 1), zone)), None, catchup=False)
        for last in (None, old):
            before = last_complete(dt.datetime.now(dt.UTC), zone)
            info = EndOfDays(zone.key).next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
            assert info is not None
            assert info.data_interval is not None
            assert night(info.data_interval.start, zone) in (before, last_complete(dt.datetime.now(dt.UTC), zone))


def test_another_zone_goes_on_with_the_next_night() -> None:
    shanghai, berlin, day = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), dt.date(2022, 5, 1)
    for before, after in ((shanghai, berlin), (berlin, shanghai)):
        last = DataInterval(moment(beginning(day, before)), moment(beginning(day + _DAY, before)))
        restriction = TimeRestriction(None, None, catchup=True)
        info = EndOfDays(after.key).next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
        assert info is not None
        assert info.data_interval is not None
        # A night may come again, which gives the same rows; none may be left out.
        assert night(info.data_interval.start, after) in (day, day + _DAY)
        assert info.data_interval.start > last.start


def test_all_processes_of_airflow_read_it_from_the_database() -> None:
    for timetable in (NIGHTLY, WEEKLY):
        read = decode_timetable(encode_timetable(timetable))
        assert isinstance(read, EndOfDays)
        assert read.serialize() == timetable.serialize()
        assert read.periodic, "or it could not be backfilled"
    assert (NIGHTLY.summary, WEEKLY.summary) == (
        "Daily, at midnight in Asia/Shanghai",
        "Weekly, at midnight in Asia/Shanghai",
    )
