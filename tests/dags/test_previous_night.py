"""What a night does about the night before: in the small, and in a real Airflow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dags._previous_night import unfinished

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_is_unfinished_once_all_have_succeeded() -> None:
    assert unfinished(["a", "b"], {"a": "success", "b": "success"}, "running") == []


def test_a_task_whose_table_was_not_wanted_is_not_waited_for() -> None:
    assert unfinished(["a", "b"], {"a": "success", "b": "skipped"}, "running") == []
    assert unfinished(["a", "b"], {"a": "success", "b": "skipped"}, "success") == []


def test_what_airflow_skipped_of_a_run_that_was_ended_is_lost() -> None:
    with pytest.raises(ValueError, match=r"^b$"):
        unfinished(["a", "b"], {"a": "success", "b": "skipped"}, "failed")


@pytest.mark.parametrize(
    "state", [None, "scheduled", "queued", "running", "up_for_retry", "up_for_reschedule", "restarting"]
)
def test_a_task_that_may_still_succeed_is_waited_for(state: str | None) -> None:
    assert unfinished(["a", "b"], {"a": "success", "b": state}, "running") == ["b"]
    assert unfinished(["a"], {"a": state}, "queued") == ["a"]


@pytest.mark.parametrize("state", ["failed", "upstream_failed", "removed"])
def test_a_task_that_will_not_succeed_is_named(state: str) -> None:
    with pytest.raises(ValueError, match=r"^b$"):
        unfinished(["a", "b"], {"a": None, "b": state}, "running")


def test_a_failed_run_is_not_waited_for() -> None:
    with pytest.raises(ValueError, match=r"^a, b$"):
        unfinished(["a", "b"], {"a": None}, "failed")


def test_a_task_that_a_successful_run_never_had_is_not_waited_for() -> None:
    assert unfinished(["a", "new"], {"a": "success"}, "success") == []


# A task that fails on one night, and one that needs the night before's.
_DAG = """
import datetime as dt, json, sys
from airflow.sdk import DAG
from dags._job_operator import JobOperator
from dags._night import NIGHTLY, ZONE

with DAG("nights", schedule=NIGHTLY, start_date=dt.datetime(2022, 1, 1, tzinfo=ZONE)) as dag:
    first = JobOperator(task_id="first", command=["/bin/sh", "-c", 'test "$2" != 2022-05-03 || exit 66', "sh"])
    second = JobOperator(task_id="second", command=["/bin/true"], after_previous_night=["first", ""])
    first >> second

if __name__ == "__main__":
    results = {}
    for day in sys.argv[1:]:
        run = dag.test(logical_date=dt.datetime.fromisoformat(day).replace(tzinfo=ZONE))
        results[day] = {ti.task_id: ti.state for ti in run.get_task_instances()}
    print(json.dumps(results))
"""


def test_a_night_runs_after_a_good_night_or_a_gap_and_stops_after_a_bad_one(
    airflow_database: Path, tmp_path: Path
) -> None:
    (tmp_path / "some_nights.py").write_text(_DAG)
    nights = ["2022-05-01", "2022-05-02", "2022-05-03", "2022-05-04", "2022-05-06"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, str(tmp_path / "some_nights.py"), *nights],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    states = json.loads(result.stdout.splitlines()[-1])
    good = {"first": "success", "second": "success"}
    assert states["2022-05-01"] == states["2022-05-02"] == good
    assert states["2022-05-03"] == {"first": "failed", "second": "upstream_failed"}
    assert states["2022-05-04"] == {"first": "success", "second": "failed"}
    # 05-05 was never run: a gap, which is the landing's business.
    assert states["2022-05-06"] == good
