"""A decision made in the browser is on record: the form of the DAG `accept`, and its runs in a real Airflow."""

import json
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import ParamValidationError

from dags._job_operator import PYTHON, ROOT
from dags.accept import KINDS, SUBJECTS, who_decides

FORM = {"night": "2022-05-02", "what": "volume", "of": "users", "why": "a 'sale' {{ 1 + 1 }}; 大促"}
# Runs the DAG once for each form, as a person triggers it, and prints how each ended.
TRIGGER = """
import json, sys
from dags.accept import dag
for form in json.loads(sys.argv[1]):
    print("ended in", dag.test(run_conf=form).state.value)
"""
RECORD = """
import json
from jobs.platform.decisions import read_decisions
from jobs.platform.settings import settings
print(json.dumps([[str(d.night), d.kind, d.subject, d.who, d.why, d.withdrawn] for d in read_decisions(settings())]))
"""
KNOWN = """
import json
from jobs.platform.decisions import SUBJECTS
print(json.dumps(SUBJECTS))
"""


def ask_jobs(program: str) -> Any:
    asked = subprocess.run([PYTHON, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(asked.stdout)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTREEL_HOME", str(tmp_path))
    monkeypatch.setenv("SPARK_CONF_DIR", str(ROOT / ".venv" / "spark-conf"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def test_the_form_offers_what_the_jobs_know() -> None:
    known: dict[str, list[str]] = ask_jobs(KNOWN)
    assert list(known) == KINDS
    assert {subject for subjects in known.values() for subject in subjects} == set(SUBJECTS)


@pytest.mark.parametrize(
    ("name", "wrong"), [("night", "2nd of May"), ("what", "right"), ("of", "user"), ("why", ""), ("why", "x" * 501)]
)
def test_the_form_refuses_what_is_missing_or_unknown(dags: DagBag, name: str, wrong: str) -> None:
    params = deepcopy(dags.dags["accept"].params)
    with pytest.raises(ParamValidationError):
        params.get_param(name).resolve(wrong)
    for required in ("night", "what", "of", "why"):
        with pytest.raises(ParamValidationError):
            params.get_param(required).resolve()


@pytest.mark.parametrize(
    ("logged_in", "named", "who"),
    [("bo", None, "bo"), ("bo", "anna", "bo"), ("Anonymous", "anna", "anna"), (None, "anna", "anna"), (None, None, "")],
)
def test_who_is_logged_in_decides_or_else_who_is_named(logged_in: str | None, named: str | None, who: str) -> None:
    assert who_decides(logged_in, named) == who


def test_a_decision_of_the_form_is_on_record(airflow_database: Path, home: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "AIRFLOW_CONN_SPARK_DEFAULT"}
    command = [sys.executable, "-c", TRIGGER, json.dumps([FORM, FORM | {"of": "recommender"}])]
    runs = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    ended = [line.split()[-1] for line in runs.stdout.splitlines() if line.startswith("ended in")]
    assert ended == ["success", "failed"], runs.stdout[-3000:] + runs.stderr[-3000:]
    assert (
        "nothing was recorded: OF=recommender: a decision of kind volume is about one of behavior_logs" in runs.stdout
    )
    assert ask_jobs(RECORD) == [["2022-05-02", "volume", "users", "dag_test", FORM["why"], False]]
