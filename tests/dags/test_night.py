"""The night of a run, in every time zone there is."""

import datetime as dt
import os
import random
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from dags._night import ZONE, night

ROOT = Path(__file__).resolve().parents[2]
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


def test_beijings_night_is_not_the_utc_day() -> None:
    midnight = dt.datetime(2022, 4, 30, 16, tzinfo=dt.UTC)
    assert ZONE.key == "Asia/Shanghai"
    assert night(midnight) == dt.date(2022, 5, 1)


def test_an_unknown_zone_is_the_last_line_of_the_import_error_that_the_ui_shows(tmp_path: Path) -> None:
    script = f"from airflow.dag_processing.dagbag import DagBag; print(*DagBag({str(ROOT / 'dags')!r}).import_errors.values())"
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT), "NIGHTREEL_TIMEZONE": "Asia/Beijing"},
        capture_output=True,
        text=True,
        check=True,
    )
    said = "NIGHTREEL_TIMEZONE='Asia/Beijing' is not a time zone; use a name such as Asia/Shanghai"
    assert result.stdout.rstrip().endswith(f"UnknownZone: {said}")
