"""Which night a run is for: the one place where a moment becomes a day."""

import datetime as dt
import os
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import Context, CronDataIntervalTimetable
from airflow.sdk.exceptions import AirflowFailException

ZONE = ZoneInfo(os.environ.get("NIGHTREEL_TIMEZONE", "Asia/Shanghai"))
"""The zone whose midnight ends a night."""

# Midnight, not later: a backfill's last day ends at its midnight, so that a schedule of 02:00 would lose it. The landing of a
# night is complete when its marker file is there, which the first task checks.
NIGHTLY = CronDataIntervalTimetable("0 0 * * *", timezone=ZONE.key)
WEEKLY = CronDataIntervalTimetable("0 0 * * 1", timezone=ZONE.key)

# The UI's way to a backfill is its Trigger button, which it switches off where manual runs are not allowed: so they are allowed
# here, and then refused by `refuse_manual_run`.
RUN_TYPES: Any = ("scheduled", "backfill", "manual")


def night(logical_date: dt.datetime, zone: dt.tzinfo = ZONE) -> dt.date:
    """The day, in the lake's zone, that a run with this logical date is for.

    Airflow's own `ds` is the day in UTC: for Beijing's 1 May it says 30 April.
    """
    return logical_date.astimezone(zone).date()


def refuse_manual_run(context: Context) -> None:
    """Fail a run that was started by hand: it is for whatever moment it was started at, and a backfill passes its night over.

    Raises:
        AirflowFailException: it was.
    """
    if context["dag_run"].run_type == "manual":
        raise AirflowFailException(
            "a night is run as a backfill, not by hand: Trigger → Backfill, from midnight to midnight"
        )
