"""The night of a run. This is the only module that converts a logical date to a day."""

import datetime as dt
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from dags._timetable import EndOfDays
from schemas.days import day_of
from schemas.zone import zone

ZONE = zone()
"""The lake's time zone: a night ends at its midnight."""

# At midnight, not later: a backfill ends at the midnight of its last day, so a schedule at 02:00 would lose that day. The first
# task checks that the landing of the night is complete.
NIGHTLY = EndOfDays(ZONE.key)
WEEKLY = EndOfDays(ZONE.key, weekday=0)

# The UI starts backfills from its Trigger button, which is disabled if manual runs are not allowed. So they are allowed here and
# then refused by `refuse_manual_run`.
RUN_TYPES: Any = ("scheduled", "backfill", "manual")


def night(logical_date: dt.datetime, zone: dt.tzinfo = ZONE) -> dt.date:
    """Return the night of a run with this logical date: its day in the lake's time zone.

    Airflow's own `ds` is the day in UTC: for 1 May in Beijing it is 30 April.
    """
    return day_of(logical_date, zone)


def refuse_manual_run(context: Context) -> None:
    """Fail a manual run: its logical date is the moment of the trigger, and a later backfill would skip its night.

    Raises:
        AirflowFailException: the run was started manually.
    """
    if context["dag_run"].run_type == "manual":
        raise AirflowFailException(
            "nights must be run as a backfill, not manually: Trigger → Backfill, from midnight to midnight"
        )
