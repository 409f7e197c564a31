"""What a night needs of the night before, when that night is being run as well.

Not Airflow's `depends_on_past`: a DAG that has it can no longer be backfilled from the UI with the options as they come
up, and it looks at the last run, which after a gap is not yesterday's.
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
# A task is skipped where other tables were wanted of its run: what it made before stands. Of a run that was ended, or ran out
# of time, Airflow itself skips what had not begun.
_DONE = frozenset({TaskInstanceState.SUCCESS, TaskInstanceState.SKIPPED})
_LOST = frozenset({TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED, TaskInstanceState.REMOVED})


def unfinished(task_ids: Sequence[str], states: Mapping[str, str | None], run_state: str) -> list[str]:
    """Those of yesterday's tasks that are still to come.

    A task that yesterday's run does not have, since it was made by an older version of the DAG, is no longer waited for
    once that run has succeeded.

    Raises:
        ValueError: naming the tasks that will not succeed by themselves any more.
    """
    over = run_state in {DagRunState.SUCCESS, DagRunState.FAILED}
    done = {TaskInstanceState.SUCCESS} if run_state == DagRunState.FAILED else _DONE
    open_ = [task_id for task_id in task_ids if states.get(task_id) not in done]
    lost = [task_id for task_id in open_ if states.get(task_id) in _LOST or run_state == DagRunState.FAILED]
    if lost:
        raise ValueError(", ".join(lost))
    return [] if over else open_


def wait_for_previous_night(context: Context, task_ids: Sequence[str]) -> None:
    """Return when these tasks have succeeded for the night before, or when that night is no run of this DAG.

    While they run, this task steps aside and takes no slot.

    Raises:
        AirflowRescheduleException: to be asked again a little later.
        AirflowFailException: one of them failed, or will never start.
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
            f"{yesterday}: {lost} did not succeed, and {today} builds on it; put {yesterday} right, then clear this task"
        ) from None
    if not waiting:
        return

    now = dt.datetime.now(dt.UTC)
    waited = now - (run.get_first_reschedule_date(context) or now)
    if previous.state == DagRunState.QUEUED and waited > _PATIENCE_WITH_QUEUED:
        raise AirflowFailException(
            f"{yesterday} is queued behind {today}, which needs it: backfill forwards, not backwards"
        )
    if waited > _PATIENCE:
        raise AirflowFailException(f"{yesterday}: {', '.join(waiting)} still not done after {waited}")
    _log.info("Waiting for %s of %s", ", ".join(waiting), yesterday)
    raise AirflowRescheduleException(now + _POLL)
