"""Mapped tasks, as Airflow runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.dags.conftest import ROOT

# As text_to_video on a night that asks for no video.
_DAG = """
import datetime as dt, json
from airflow.sdk import DAG, TriggerRule, XComArg
from dags._job_operator import JobOperator
from dags._night import NIGHTLY, ZONE
from dags._tasks import job_per_value

options = {"trigger_rule": TriggerRule.NONE_FAILED}
with DAG("videos", schedule=NIGHTLY, start_date=dt.datetime(2022, 1, 1, tzinfo=ZONE), default_args=options) as dag:
    plan = JobOperator(task_id="plan", command=["/bin/sh", "-c", "echo '[]'", "sh"], returns_json=True)
    generate = job_per_value("video.generate", "--shard", XComArg(plan))
    generated_videos = JobOperator(task_id="generated_videos", command=["/bin/true"])
    generate >> generated_videos

if __name__ == "__main__":
    run = dag.test(logical_date=dt.datetime(2022, 5, 1, tzinfo=ZONE))
    print(json.dumps({ti.task_id: ti.state for ti in run.get_task_instances()}))
"""


def test_nothing_to_map_over_holds_nothing_up(airflow_database: Path, tmp_path: Path) -> None:
    (tmp_path / "videos.py").write_text(_DAG)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path)}
    command = [sys.executable, str(tmp_path / "videos.py")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    states = json.loads(result.stdout.splitlines()[-1])
    assert states == {"plan": "success", "generate": "skipped", "generated_videos": "success"}
