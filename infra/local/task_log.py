"""What a task's log says about how it ended."""

import json
from pathlib import Path
from typing import Any

from infra.local.paths import State


def log_file(state: State, task: dict[str, Any]) -> Path:
    """Where Airflow keeps the log of a task instance's last try."""
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
    """The reason that a log gives for a failure: the message of the exception that ended the task, else its last error."""
    if not log.is_file():
        return "it never began (see the scheduler's log)"
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
    return exception or error or "its log gives no reason"
