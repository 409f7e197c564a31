"""Backfills as a real Airflow makes them: one run for each night that is asked for, also where midnight does not exist."""

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Airflow's API server in this process, asked by the client that `make backfill` asks with.
_BACKFILLS = """
import datetime as dt, json, sys
from typing import Any

from airflow.api_fastapi.app import create_app
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.dagbundle import DagBundleModel
from airflow.utils.session import create_session
from fastapi.testclient import TestClient

from dags._night import night
from infra.local.airflow_api import AirflowApi

with create_session() as session:
    session.merge(DagBundleModel(name="nights"))
sync_bag_to_db(DagBag(sys.argv[1], bundle_name="nights"), "nights", None)
server = TestClient(create_app(apps="core"))

class Client(AirflowApi):
    def _request(self, session: Any, method: str, path: str, body: Any = None, query: Any = None) -> Any:
        headers = {name: session.headers[name] for name in ("Authorization",) if name in session.headers}
        answer = server.request(method, path, json=body, params=query, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

api, found = Client(0), []
api._log_in(api._retrying)
for asked in sys.argv[2:]:
    first, last = (dt.date.fromisoformat(day) for day in asked.split(","))
    api.end_backfill(api.start_backfill("nights", first, last, {}, 1))
    runs = api.runs("nights", first, last)
    found.append([str(night(dt.datetime.fromisoformat(run["logical_date"]))) for run in runs])
print(json.dumps(found))
"""

_DAG = """
import datetime as dt
from airflow.sdk import DAG
from dags._job_operator import JobOperator
from dags._night import NIGHTLY, ZONE

with DAG("nights", schedule=NIGHTLY, start_date=dt.datetime(2022, 1, 1, tzinfo=ZONE)) as dag:
    JobOperator(task_id="task", command=["/bin/true"])
"""


@pytest.mark.parametrize(
    ("zone", "changes"),
    [
        ("Africa/Cairo", [dt.date(2024, 4, 26)]),
        ("America/Santiago", [dt.date(2022, 9, 11)]),
        ("America/Havana", [dt.date(2022, 3, 13), dt.date(2022, 11, 6)]),  # in November, 00:00 comes twice
    ],
)
def test_every_night_around_a_change_of_clocks_is_run_alone_and_in_a_range(
    airflow_database: Path, tmp_path: Path, zone: str, changes: list[dt.date]
) -> None:
    (tmp_path / "some_nights.py").write_text(_DAG)
    asked = [
        (changed + dt.timedelta(days=first), changed + dt.timedelta(days=last))
        for changed in changes
        for first, last in ((-1, -1), (0, 0), (1, 1), (-1, 0), (0, 1), (-1, 1))
    ]
    result = subprocess.run(
        [sys.executable, "-c", _BACKFILLS, str(tmp_path), *(f"{first},{last}" for first, last in asked)],
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "NIGHTREEL_TIMEZONE": zone, "AIRFLOW__CORE__DEFAULT_TIMEZONE": zone}
        # The DAG of one zone takes the place of that of another at once.
        | {"AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert json.loads(result.stdout.splitlines()[-1]) == [
        [str(first + dt.timedelta(days=number)) for number in range((last - first).days + 1)] for first, last in asked
    ]
