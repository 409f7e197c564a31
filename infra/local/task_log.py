"""Find the reason of a task's failure in its log."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from infra.local.paths import State


def log_file(state: State, task: Mapping[str, Any]) -> Path:
    """Return the path of the log of a task instance's last try."""
    folder = (
        state.airflow
        / "logs"
        / f"dag_id={task['dag_id']}"
        / f"run_id={task['dag_run_id']}"
        / f"task_id={task['task_id']}"
    )
    if task["map_index"] >= 0:
        folder /= f"map_index={task['map_index']}"
    return folder / f"attempt={task['try_number']}.log"


def last_error(records: Iterable[Mapping[str, Any]]) -> str:
    """Return the reason of a failure: the message of the exception that ended the task, otherwise the last error in its log."""
    exception = error = None
    for record in records:
        if record.get("error_detail"):
            exception = str(record["error_detail"][-1]["exc_value"])
        elif record.get("level") in {"error", "critical"}:
            error = str(record["event"]).split("\n")[0]
    return exception or error or "its log contains no error"
