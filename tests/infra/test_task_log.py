"""The reason of a failure, out of Airflow's task logs."""

from pathlib import Path
from typing import Any

import pytest

from infra.local.paths import State
from infra.local.task_log import last_error, log_file

STARTED = {"level": "info", "event": "Filling up the DagBag"}
NOISE = {
    "level": "error",
    "event": "Task failed with exception",
    "error_detail": [{"exc_value": "cause"}, {"exc_value": "x is empty"}],
}
ADVICE = {"level": "error", "event": "ingest.land failed for 2022-05-01: x is empty\nWhen the cause is fixed, …"}


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([STARTED, NOISE, ADVICE], "x is empty"),
        ([STARTED, ADVICE], "ingest.land failed for 2022-05-01: x is empty"),
        ([STARTED], "its log contains no error"),
    ],
)
def test_the_reason_is_what_the_exception_said(lines: list[dict[str, Any]], reason: str) -> None:
    assert last_error(lines) == reason


def test_a_mapped_task_has_a_log_for_each_value(tmp_path: Path) -> None:
    task = {"dag_id": "d", "dag_run_id": "r", "task_id": "t", "map_index": 2, "try_number": 3}
    folder = tmp_path / "airflow" / "logs" / "dag_id=d" / "run_id=r" / "task_id=t"
    assert log_file(State(tmp_path), task) == folder / "map_index=2" / "attempt=3.log"
    assert log_file(State(tmp_path), task | {"map_index": -1}) == folder / "attempt=3.log"
