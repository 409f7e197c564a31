"""What every DAG and every task has to be like."""

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.serialization.encoders import coerce_to_core_timetable

ROOT = Path(__file__).resolve().parents[2]
DAG_IDS = tuple(sorted(file.stem for file in (ROOT / "dags").glob("[!_]*.py")))
SCHEDULED = tuple(dag for dag in DAG_IDS if dag != "accept")
"""All but the form that a person fills in."""
HEAVY = ("pyspark", "pandas", "numpy", "torch", "mlflow", "jobs")

# Parses the DAGs in a fresh process, as Airflow does, and tells what that took and dragged in.
_PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
print(json.dumps({"seconds": {stat.file: stat.duration.total_seconds() for stat in bag.dagbag_stats},
                  "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def begin(task: Any, run_type: str = "backfill", **params: str) -> None:
    """What the task asks of its run before it does anything."""
    check = task.partial_kwargs["pre_execute"] if isinstance(task, MappedOperator) else task._pre_execute_hook
    check({"dag_run": SimpleNamespace(run_type=run_type), "params": params, "task": task, "dag": task.dag})


@pytest.fixture(params=DAG_IDS)
def dag(request: pytest.FixtureRequest, dags: DagBag) -> Any:
    return dags.dags[request.param]


@pytest.fixture(params=SCHEDULED)
def scheduled(request: pytest.FixtureRequest, dags: DagBag) -> Any:
    return dags.dags[request.param]


def test_all_dags_import_without_error(dags: DagBag) -> None:
    assert dags.import_errors == {}
    assert sorted(dags.dags) == sorted(DAG_IDS)


def test_parsing_is_quick_and_imports_nothing_heavy() -> None:
    output = subprocess.run(
        [sys.executable, "-c", _PARSE, str(ROOT / "dags")], env=os.environ, capture_output=True, text=True, check=True
    ).stdout
    found = json.loads(output.splitlines()[-1])
    assert set(found["modules"]).isdisjoint(HEAVY)
    assert {Path(file).stem for file in found["seconds"]} == set(DAG_IDS)
    assert max(found["seconds"].values()) < 1.0


def test_a_dag_says_what_it_does_and_what_to_do_when_it_fails(dag: Any) -> None:
    assert dag.doc_md
    assert re.search(r"\*\*When .*fails:\*\*", dag.doc_md)
    assert dag.tags


def test_a_run_started_by_hand_is_allowed_for_the_button_and_refused_by_every_task(scheduled: Any) -> None:
    # The UI disables Trigger, its only way to a backfill, where manual runs are not allowed. One that is started takes a
    # logical date, and the next backfill passes that night over: so none gets anywhere.
    assert {run_type.value for run_type in scheduled.allowed_run_types} == {"scheduled", "backfill", "manual"}
    for task in scheduled.tasks:
        with pytest.raises(AirflowFailException, match="run as a backfill"):
            begin(task, run_type="manual")
        for run_type in ("scheduled", "backfill"):
            begin(task, run_type=run_type)


def test_a_run_makes_the_tables_that_are_wanted_of_it(dags: DagBag) -> None:
    dag = dags.dags["nightly"]
    made = []
    for task in dag.tasks:
        with suppress(AirflowSkipException):
            begin(task, tables="gold.user_features, gold.recommendations")
            made.append(task.task_id)
        with pytest.raises(AirflowFailException, match=r"no task of nightly writes gold\.user_feature$"):
            begin(task, tables="gold.user_features,gold.user_feature")
        assert task.trigger_rule == "none_failed", "or it would be skipped with what comes before it"
    assert sorted(made) == ["features.user_features", "publish.recommendations"]


def test_past_nights_are_run_only_when_asked_for(scheduled: Any) -> None:
    assert scheduled.catchup is False
    assert 1 <= scheduled.max_active_runs <= 2
    assert scheduled.dagrun_timeout > timedelta(0)
    assert coerce_to_core_timetable(scheduled.timetable).periodic


def test_no_parameter_has_to_be_filled_in_before_the_dag_can_be_backfilled_in_the_ui(scheduled: Any) -> None:
    for name in scheduled.params:
        schema = scheduled.params.get_param(name).schema
        assert scheduled.params[name] not in (None, "") or "null" in schema["type"], name


def test_no_task_keeps_the_dag_from_being_backfilled_in_the_ui(dag: Any) -> None:
    # With depends_on_past, Airflow refuses the UI's default ("missing runs") and backwards order.
    assert not any(task.depends_on_past for task in dag.tasks)


def test_every_task_has_an_owner_a_limit_and_a_word_for_its_failure(dag: Any) -> None:
    for task in dag.tasks:
        assert task.owner != "airflow", task.task_id
        assert timedelta(0) < task.execution_timeout <= timedelta(hours=12), task.task_id
        assert task.on_failure_callback, task.task_id


def test_every_task_but_a_sensor_is_retried(dag: Any) -> None:
    for task in dag.tasks:
        sensor = "ExternalTaskSensor" in task.task_type
        assert (task.retries > 0) is not sensor, task.task_id
        assert task.retry_delay <= timedelta(minutes=5), task.task_id
        # Attempts are counted on when a night is run again, and each doubles the delay.
        assert sensor or task.max_retry_delay <= timedelta(minutes=5), task.task_id


def test_a_table_is_written_by_one_task_and_a_task_writes_one_table(dags: DagBag) -> None:
    written = [
        [asset.name for asset in task.outlets]
        for dag in dags.dags.values()
        for task in dag.tasks
        if getattr(task, "outlets", None)
    ]
    tables = [name for names in written for name in names]
    assert all(len(names) == 1 for names in written)
    assert len(tables) == len(set(tables))


def test_every_contract_is_written_and_every_written_table_has_a_contract(dags: DagBag) -> None:
    contracts = {f"{file.parent.name}.{file.stem}" for file in (ROOT / "schemas").glob("*/*.yaml")}
    written = {
        asset.name for dag in dags.dags.values() for task in dag.tasks for asset in getattr(task, "outlets", None) or []
    }
    # No task writes what `make backfill` did, once its runs are over, and what `make corpus` checked.
    assert written | {"ops.backfills", "gold.training_clips"} == contracts


def test_every_job_that_a_task_runs_exists(dags: DagBag) -> None:
    for dag in dags.dags.values():
        for task in dag.tasks:
            command = getattr(task, "command", None)
            if command:
                assert (ROOT / f"{command[2].replace('.', '/')}.py").is_file(), command


def test_what_waits_for_yesterday_waits_for_tasks_that_exist(dags: DagBag) -> None:
    nightly = dags.dags["nightly"]
    waited_for = {
        name
        for task in nightly.tasks
        for entry in getattr(task, "after_previous_night", ())
        for name in re.findall(r"[a-z_]+\.[a-z_]+", entry.replace("params.source", ""))
    }
    assert waited_for
    assert waited_for <= set(nightly.task_ids)


def test_tasks_that_need_the_gpu_share_its_pool(dags: DagBag) -> None:
    pools = {task.task_id: task.pool for task in dags.dags["text_to_video"].tasks}
    assert pools["train_generator"] == pools["generate"] == "gpu"
