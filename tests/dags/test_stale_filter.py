"""A backfill of stale nights passes over those that are not stale."""

import datetime as dt
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowException, DownstreamTasksSkipped

from dags._job_operator import PYTHON, ROOT
from dags._night import ZONE
from dags._stale_filter import skip_unless_stale

NIGHT = dt.date(2022, 5, 1)
# A night whose log landed again after it was ingested.
MAKE_STALE = """
import sys
from pathlib import Path
from jobs.ingest import behavior_log
from tests.jobs.ingest.nights import write_landing, line
for user_id in (1, 2):
    write_landing(Path(sys.argv[1]), [line(user_id)])
    if user_id == 1:
        behavior_log.main(["--date", "2022-05-01"])
"""


@pytest.fixture(params=["nightly", "text_to_video"])
def dag(request: pytest.FixtureRequest, dags: DagBag) -> Any:
    return dags.dags[request.param]


def context(task: Any, night: dt.date = NIGHT, *, only_stale: bool = True) -> Any:
    """What Airflow tells a task of its run; no night came before."""
    return {
        "params": {"only_stale": only_stale},
        "task": task,
        "dag": task.dag,
        "ti": SimpleNamespace(get_previous_dagrun=lambda: None),
        "logical_date": dt.datetime.combine(night, dt.time(), ZONE),
    }


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTREEL_HOME", str(tmp_path))
    monkeypatch.setenv("NIGHTREEL_PSEUDONYM_KEY", "0" * 64)
    monkeypatch.setenv("SPARK_CONF_DIR", str(ROOT / ".venv" / "spark-conf"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def test_it_is_asked_before_the_first_tasks_of_a_run(dag: Any, home: Path) -> None:
    for task in dag.tasks:
        skip_unless_stale(context(task, only_stale=False))
        if task not in dag.roots:
            skip_unless_stale(context(task))
    for first in dag.roots:
        with pytest.raises(DownstreamTasksSkipped) as passed_over:
            skip_unless_stale(context(first))
        assert {first.task_id, *passed_over.value.tasks} == set(dag.task_ids)


def test_a_stale_night_is_run(dags: DagBag, home: Path) -> None:
    subprocess.run([PYTHON, "-c", MAKE_STALE, str(home)], cwd=ROOT, check=True)
    first = dags.dags["nightly"].get_task("ingest.land")
    skip_unless_stale(context(first))
    with pytest.raises(DownstreamTasksSkipped):
        skip_unless_stale(context(first, NIGHT + dt.timedelta(days=1)))


def test_it_fails_where_that_cannot_be_found_out(dags: DagBag, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTREEL_TIMEZONE", "Asia/Atlantis")
    with pytest.raises(AirflowException, match="is not a time zone"):
        skip_unless_stale(context(dags.dags["nightly"].get_task("ingest.land")))
