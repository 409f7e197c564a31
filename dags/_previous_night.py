"""Wait for tasks of the previous night, if that night has a run too.

Airflow's `depends_on_past` does not work here: a DAG with it cannot be backfilled from the UI with the default options, and it
checks the last run, which after a gap is not the run of the previous night.
"""

import datetime as dt
import logging
from collections.abc import Mapping, Sequence

from airflow.sdk import Context, DagRunState, TaskInstanceState
from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException

from dags._night import ZONE, night
from schemas.days import day_before

_log = logging.getLogger(__name__)
_POLL = dt.timedelta(seconds=10)
_PATIENCE = dt.timedelta(hours=12)
_PATIENCE_WITH_QUEUED = dt.timedelta(minutes=5)
# A task is skipped if its run was limited to other tables; its earlier output stays valid. If a run is ended or times out,
# Airflow skips the tasks that had not begun.
_DONE = frozenset({TaskInstanceState.SUCCESS, TaskInstanceState.SKIPPED})
_LOST = frozenset({TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED, TaskInstanceState.REMOVED})


def unfinished(task_ids: Sequence[str], states: Mapping[str, str | None], run_state: str) -> list[str]:
    """Return the tasks of the previous night's run that have not finished yet.

    A task may be missing in that run, because an older version of the DAG created it. Once the run has succeeded, missing tasks
    count as finished.

    Raises:
        ValueError: some tasks can no longer succeed without intervention; the message is their names.
    """
    is_over = run_state in {DagRunState.SUCCESS, DagRunState.FAILED}
    done = {TaskInstanceState.SUCCESS} if run_state == DagRunState.FAILED else _DONE
    pending = [task_id for task_id in task_ids if states.get(task_id) not in done]
    lost = [task_id for task_id in pending if states.get(task_id) in _LOST or run_state == DagRunState.FAILED]
    if lost:
        raise ValueError(", ".join(lost))
    return [] if is_over else pending


def wait_for_previous_night(context: Context, task_ids: Sequence[str]) -> None:
    """Return if these tasks have succeeded for the previous night, or if this DAG has no run of that night.

    While the task waits, it is rescheduled and takes no slot.

    Raises:
        AirflowRescheduleException: some tasks have not finished; Airflow tries again after a few seconds.
        AirflowFailException: one of them failed, will never start, or took too long.
    """
    if not task_ids:
        return
    run = context["ti"]
    previous = run.get_previous_dagrun()
    today = night(context["logical_date"])
    if previous is None or previous.logical_date is None:
        return
    yesterday = night(previous.logical_date)
    if yesterday != day_before(today, ZONE):
        return
    states = run.get_task_states(run.dag_id, task_ids=list(task_ids), run_ids=[previous.run_id])
    try:
        waiting = unfinished(task_ids, states.get(previous.run_id, {}), previous.state)
    except ValueError as lost:
        raise AirflowFailException(
            f"{yesterday}: {lost} did not succeed, and {today} depends on it; fix {yesterday}, then clear this task"
        ) from None
    if not waiting:
        return

    now = dt.datetime.now(dt.UTC)
    waited = now - (run.get_first_reschedule_date(context) or now)
    if previous.state == DagRunState.QUEUED and waited > _PATIENCE_WITH_QUEUED:
        raise AirflowFailException(
            f"{yesterday} is queued behind {today}, which depends on it: backfill forwards, not backwards"
        )
    if waited > _PATIENCE:
        raise AirflowFailException(f"{yesterday}: {', '.join(waiting)} not finished after {waited}")
    _log.info("Waiting for %s of %s", ", ".join(waiting), yesterday)
    raise AirflowRescheduleException(now + _POLL)
