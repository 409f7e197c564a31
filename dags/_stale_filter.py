"""Backfills of stale nights only: check the parameter `only_stale` before the first tasks of a run."""

import subprocess

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, DownstreamTasksSkipped

from dags._job_operator import PYTHON, ROOT
from dags._night import night
from dags._previous_night import wait_for_previous_night


def skip_unless_stale(context: Context) -> None:
    """Skip a run with `only_stale` if its night is not stale after the previous night has finished.

    Raises:
        DownstreamTasksSkipped: the night is not stale.
        AirflowException: the check for stale nights failed.
    """
    if not context["params"].get("only_stale") or context["task"].upstream_task_ids:
        return
    dag = context["dag"]
    wait_for_previous_night(context, [task.task_id for task in dag.leaves])
    day = str(night(context["logical_date"]))
    command = [PYTHON, "-m", "jobs.backfill.stale_days", "--date", day]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        reason = (result.stderr.splitlines() or ["no error message"])[-1]
        raise AirflowException(f"cannot find out which nights are stale: {reason}")
    if not any(line.startswith(day) for line in result.stdout.splitlines()):
        raise DownstreamTasksSkipped(tasks=sorted(set(dag.task_ids) - {context["task"].task_id}))
