"""A night on a cluster of network namespaces: Celery, executors on other machines, and all tables in an object store."""

import csv
import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from infra.cluster.network import MACHINES, Network
from infra.cluster.settings import Settings
from infra.local.airflow_api import AirflowApi, Refused
from infra.local.backfill import Backfill
from infra.services import Services
from jobs.ingest.feeds import BEHAVIOR_LOGS
from tests.infra.nights import NIGHTS, ROOT, commands_of, contents, contents_of, make_videos, run_in_turn, services
from tests.models.video.tiny_pipeline import save_tiny_pipeline

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NIGHT = NIGHTS[0]
EVENTS = "5000"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NIGHTREEL_LAKE", "NIGHTREEL_SOURCE", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        save_tiny_pipeline(pipeline := tmp_path_factory.mktemp("pipeline") / "tiny")
        patch.setenv("NIGHTREEL_VIDEO_GENERATOR", str(pipeline))
        patch.setenv("NIGHTREEL_SIMULATED_EVENTS", EVENTS)
        patch.setenv("NIGHTREEL_PSEUDONYM_KEY", "5e" * 32)
        with services(tmp_path_factory.mktemp("cluster"), patch, "cluster") as running:
            yield running


def test_a_machine_has_a_disk_a_name_and_an_address_of_its_own(cluster: Services) -> None:
    network = Network(cluster.state.home)
    own = cluster.state.home / "own"
    for machine in MACHINES[1:]:
        script = f"touch {own}.$(hostname) && ls {own}.* && getent hosts $(hostname)"
        command = network.command(machine, ["sh", "-ec", script])
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert lines == [f"{own}.{machine}", network.address(machine), machine]
    assert not list(cluster.state.home.glob("own.*"))


def test_a_viewer_may_look_and_who_is_on_call_may_act(cluster: Services) -> None:
    settings = Settings(cluster.state, Network(cluster.state.home))
    address = f"http://{settings.services}:8080"
    viewer, oncall = (AirflowApi(address, (name, settings.password(name))) for name in ("viewer", "oncall"))
    assert viewer.runs("maintenance", NIGHT, NIGHT) == []
    with pytest.raises(Refused, match="Forbidden"):
        viewer.unpause("maintenance")
    with pytest.raises(Refused, match="Forbidden"):
        oncall.create_user("another", "password", "Admin")
    oncall.unpause("maintenance")
    assert requests.get(f"{address}/api/v2/dags", timeout=60).status_code == 401


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_night_and_an_erasure_equal_those_of_one_machine(
    cluster: Services, spark: "SparkSession", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = Backfill(cluster.api, {"nightly": {}, "text_to_video": {}}, NIGHT, NIGHT).run(1, cluster.restart_dead)
    assert outcome.unsuccessful == {}
    on_cluster = contents_of(cluster, monkeypatch)
    own_folders = {path.name for path in (cluster.state.home / "machines").glob("*/*")}
    assert own_folders.isdisjoint({"lake", "landing", "reports", "secrets", "videos"})
    machines = cluster.state.home / "machines"
    executors = {log.relative_to(machines).parts[0] for log in machines.glob("*/work/app-*/*/stderr")}
    assert executors == {"spark-1", "spark-2"}
    (run,) = cluster.api.runs("nightly", NIGHT, NIGHT)
    (report,) = (
        task for task in cluster.api.tasks("nightly", run["dag_run_id"]) if task["task_id"] == "publish.report"
    )
    assert any("jobs.report.report --date" in str(record["event"]) for record in cluster.api.log(report))
    assert list((cluster.state.home / "s3" / "logs").rglob("attempt=1.log"))

    one_machine = tmp_path / "one-machine"
    for name, value in {"HOME": str(one_machine), "SIMULATED_EVENTS": EVENTS, "PSEUDONYM_KEY": "5e" * 32}.items():
        monkeypatch.setenv(f"NIGHTREEL_{name}", value)
    run_in_turn(commands_of(cluster))
    make_videos(NIGHT)
    expected = contents(one_machine, monkeypatch)
    assert on_cluster == expected
    assert expected[NIGHT, "gold.generated_videos"][0] > 0

    leaving = tmp_path / "leaving.txt"
    leaving.write_text(users_of_log(one_machine)[0])
    command = [sys.executable, "-m", "jobs.privacy.erase", "--users", str(leaving)]
    for variables in ({**cluster.settings, **cluster.spark_environment}, {}):
        erased = subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True)
        assert erased.returncode == 0, erased.stderr
        assert "1 users, 1 of them new on the erasure list" in erased.stdout
    after = contents(one_machine, monkeypatch)
    assert after[NIGHT, "silver.behavior_events"][0] < expected[NIGHT, "silver.behavior_events"][0]
    assert contents_of(cluster, monkeypatch) == after


def users_of_log(home: Path) -> list[str]:
    """The users of the night's log, as the app sent them."""
    log = next((home / "landing" / BEHAVIOR_LOGS / f"dt={NIGHT}").rglob("*.csv.gz"))
    with gzip.open(log, "rt") as lines:
        return [row["user_id"] for row in csv.DictReader(lines)]
