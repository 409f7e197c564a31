"""Which night a run is for: the one place where a moment becomes a day."""

import datetime as dt
import os
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import CronDataIntervalTimetable

ZONE = ZoneInfo(os.environ.get("NIGHTREEL_TIMEZONE", "Asia/Shanghai"))
"""The zone whose midnight ends a night."""

# Midnight, not later: a backfill's last day ends at its midnight, so that a schedule of 02:00 would lose it. The landing of a
# night is complete when its marker file is there, which the first task checks.
NIGHTLY = CronDataIntervalTimetable("0 0 * * *", timezone=ZONE.key)
WEEKLY = CronDataIntervalTimetable("0 0 * * 1", timezone=ZONE.key)

# A run started by hand would take the logical date, and the next backfill would then pass that night over.
RUN_TYPES: Any = ("scheduled", "backfill")


def night(logical_date: dt.datetime, zone: dt.tzinfo = ZONE) -> dt.date:
    """The day, in the lake's zone, that a run with this logical date is for.

    Airflow's own `ds` is the day in UTC: for Beijing's 1 May it says 30 April.
    """
    return logical_date.astimezone(zone).date()
