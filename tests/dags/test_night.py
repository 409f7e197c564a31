"""The night of a run, in every time zone there is."""

import datetime as dt
import random
from zoneinfo import ZoneInfo, available_timezones

import pytest
from airflow._shared.timezones.timezone import coerce_datetime
from airflow.sdk import CronDataIntervalTimetable
from airflow.serialization.encoders import coerce_to_core_timetable
from airflow.timetables.base import TimeRestriction

from dags._night import NIGHTLY, ZONE, night

# Zones are many, and their clock changes fall on any day: a fixed share of days for each, the same at every run.
_DAYS = 40


def test_a_moment_of_a_day_is_that_day_in_every_zone() -> None:
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        chance = random.Random(name)
        for _ in range(_DAYS):
            day = dt.date(2015, 1, 1) + dt.timedelta(days=chance.randrange(20 * 365))
            moment = dt.datetime.combine(day, dt.time(chance.randrange(24), chance.randrange(60)), zone)
            # An hour that a clock change skips is no moment of that zone.
            exists = moment.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) == moment.replace(tzinfo=None)
            if exists:
                assert night(moment.astimezone(dt.UTC), zone) == day, (name, moment)


@pytest.mark.parametrize(
    "name",
    ["Asia/Shanghai", "UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "Asia/Kathmandu"],
)
@pytest.mark.parametrize("start", [dt.date(2018, 2, 10), dt.date(2018, 10, 28), dt.date(2022, 3, 20)])
def test_a_schedule_of_midnights_makes_each_night_once(name: str, start: dt.date) -> None:
    zone = ZoneInfo(name)
    timetable = coerce_to_core_timetable(CronDataIntervalTimetable("0 0 * * *", timezone=name))
    first = coerce_datetime(dt.datetime.combine(start, dt.time(), zone))
    restriction = TimeRestriction(earliest=first, latest=None, catchup=True)
    nights = []
    interval = None
    for _ in range(20):
        info = timetable.next_dagrun_info(last_automated_data_interval=interval, restriction=restriction)
        assert info is not None
        interval = info.data_interval
        assert interval is not None
        nights.append(night(interval.start, zone))
    assert nights == [nights[0] + dt.timedelta(days=number) for number in range(20)]
    assert nights[0] == start


def test_beijings_night_is_not_the_utc_day() -> None:
    midnight = dt.datetime(2022, 4, 30, 16, tzinfo=dt.UTC)
    assert ZONE.key == "Asia/Shanghai"
    assert night(midnight) == dt.date(2022, 5, 1)
    assert coerce_to_core_timetable(NIGHTLY).summary == "0 0 * * *"
