"""Find the reason of a task's failure in its log."""

import json
from pathlib import Path
from typing import Any

from infra.local.paths import State


def log_file(state: State, task: dict[str, Any]) -> Path:
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


def last_error(log: Path) -> str:
    """Return the reason of a failure: the message of the exception that ended the task, otherwise the last error in its log."""
    if not log.is_file():
        return "it never started (see the scheduler's log)"
    exception = error = None
    for line in log.read_text(errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if record.get("error_detail"):
            exception = str(record["error_detail"][-1]["exc_value"])
        elif record.get("level") in {"error", "critical"}:
            error = str(record["event"]).split("\n")[0]
    return exception or error or "its log contains no error"
