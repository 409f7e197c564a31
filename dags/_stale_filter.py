"""Backfills that redo stale nights only: the parameter `only_stale`, asked of a run before its first task."""

import subprocess

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, DownstreamTasksSkipped

from dags._job_operator import PYTHON, ROOT
from dags._night import night
from dags._previous_night import wait_for_previous_night


def skip_unless_stale(context: Context) -> None:
    """Skip a run that is to redo a stale night, where its night is not stale once the night before is done.

    Raises:
        DownstreamTasksSkipped: the night is not stale.
        AirflowException: whether it is stale cannot be found out.
    """
    if not context["params"].get("only_stale") or context["task"].upstream_task_ids:
        return
    dag = context["dag"]
    wait_for_previous_night(context, [task.task_id for task in dag.leaves])
    day = str(night(context["logical_date"]))
    command = [PYTHON, "-m", "jobs.backfill.stale_days", "--date", day]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if asked.returncode:
        raise AirflowException(f"which nights are stale: {(asked.stderr.splitlines() or ['it said nothing'])[-1]}")
    if not any(line.startswith(day) for line in asked.stdout.splitlines()):
        raise DownstreamTasksSkipped(tasks=sorted(set(dag.task_ids) - {context["task"].task_id}))
