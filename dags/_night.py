"""Which night a run is for: the one place where a moment becomes a day."""

import datetime as dt
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from dags._timetable import EndOfDays
from schemas.days import day_of
from schemas.zone import zone

ZONE = zone()
"""The zone whose midnight ends a night."""

# Midnight, not later: a backfill's last day ends at its midnight, so that a schedule of 02:00 would lose it. The landing of a
# night is complete when its marker file is there, which the first task checks.
NIGHTLY = EndOfDays(ZONE.key)
WEEKLY = EndOfDays(ZONE.key, weekday=0)

# The UI's way to a backfill is its Trigger button, which it switches off where manual runs are not allowed: so they are allowed
# here, and then refused by `refuse_manual_run`.
RUN_TYPES: Any = ("scheduled", "backfill", "manual")


def night(logical_date: dt.datetime, zone: dt.tzinfo = ZONE) -> dt.date:
    """The day, in the lake's zone, that a run with this logical date is for.

    Airflow's own `ds` is the day in UTC: for Beijing's 1 May it says 30 April.
    """
    return day_of(logical_date, zone)


def refuse_manual_run(context: Context) -> None:
    """Fail a run that was started by hand: it is for whatever moment it was started at, and a backfill passes its night over.

    Raises:
        AirflowFailException: it was.
    """
    if context["dag_run"].run_type == "manual":
        raise AirflowFailException(
            "a night is run as a backfill, not by hand: Trigger → Backfill, from midnight to midnight"
        )
