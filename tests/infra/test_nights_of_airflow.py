"""Nights that Airflow runs give what the same jobs give one after another: two at once from the browser, and one on a cluster.

The cluster consists of network namespaces: Celery, executors on other machines, and all tables in an object store.
"""

import csv
import datetime as dt
import gzip
import os
import shutil
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
from tests import otlp
from tests.infra.browser import ARTIFACTS, backfill_in_browser
from tests.infra.nights import (
    NIGHTS,
    ROOT,
    commands_of,
    contents,
    contents_of,
    copy_landing,
    land_nights,
    make_videos,
    run_in_turn,
    services,
)
from tests.infra.observability.test_alerts import SPARK, metrics_in_use
from tests.models.video.tiny_pipeline import save_tiny_pipeline
from tests.night_jobs import NIGHT_JOBS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NIGHT = NIGHTS[0]
OF_VIDEOS = {"gold.generated_videos", "gold.review_queue", "gold.video_feedback"}
"""The tables of the DAG of videos, which the browser does not start."""
COMMANDS = [
    (f"jobs.{module}", [*arguments, "--date", str(night)]) for night in NIGHTS for module, *arguments in NIGHT_JOBS
]


@pytest.fixture(scope="module")
def in_turn(tmp_path_factory: pytest.TempPathFactory, spark: "SparkSession") -> Iterator[Path]:
    """A home with both nights, and the videos of the first one, by the jobs one after another in this process.

    All other homes get its settings and a copy of its landing.
    """
    home = tmp_path_factory.mktemp("in-turn")
    save_tiny_pipeline(pipeline := tmp_path_factory.mktemp("pipeline") / "tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTREEL_VIDEO_GENERATOR", str(pipeline))
        land_nights(home, patch)
        with patch.context() as own:
            own.setenv("NIGHTREEL_HOME", str(home))
            run_in_turn(COMMANDS)
            make_videos(NIGHT)
        yield home


@pytest.fixture(scope="module")
def cluster(in_turn: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with (
        pytest.MonkeyPatch.context() as patch,
        services(tmp_path_factory.mktemp("cluster"), patch, "cluster") as running,
    ):
        copy_landing(in_turn, running, patch)
        yield running


@pytest.fixture
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs a browser: sudo apt-get install chromium")
    return found


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_two_nights_at_once_from_the_browser(
    chromium: str, in_turn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(in_turn / "landing", tmp_path / "landing")
    ARTIFACTS.mkdir(exist_ok=True)

    with otlp.receiver() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.endpoint)
        with services(tmp_path, monkeypatch) as running:
            backfill_in_browser(chromium, running)
            commands = commands_of(running)

    assert sorted(commands) == sorted(COMMANDS)
    found, expected = contents(tmp_path, monkeypatch), contents(in_turn, monkeypatch)
    assert found == {key: content for key, content in expected.items() if key[1] not in OF_VIDEOS}
    assert {table for (_, table), (rows, _) in expected.items() if rows} >= {
        "silver.behavior_events",
        "gold.ctr_examples",
        "gold.recommendations",
        "gold.audience_segments",
        "gold.video_requests",
    }
    # One machine has neither executors nor GPUs.
    assert received.names() >= metrics_in_use() - SPARK - {"nightreel_job_gpu_busy_ratio"}
    rows = {key: rows for key, (rows, _) in expected.items()}
    for name, labels, value in received.samples:
        if name == "nightreel_job_rows":
            assert value == rows[dt.date.fromisoformat(labels["night"]), labels["table"]]


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
def test_a_night_and_an_erasure_on_a_cluster(
    cluster: Services, in_turn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    shutil.copytree(in_turn, one_machine)
    expected = of_night(contents(one_machine, monkeypatch))
    assert of_night(on_cluster) == expected
    assert expected["gold.generated_videos"][0] > 0

    leaving = tmp_path / "leaving.txt"
    leaving.write_text(users_of_log(one_machine)[0])
    command = [sys.executable, "-m", "jobs.privacy.erase", "--users", str(leaving)]
    for variables in ({**cluster.settings, **cluster.spark_environment}, {}):
        erased = subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True)
        assert erased.returncode == 0, erased.stderr
        assert "1 users, 1 of them new on the erasure list" in erased.stdout
    after = of_night(contents(one_machine, monkeypatch))
    assert after["silver.behavior_events"][0] < expected["silver.behavior_events"][0]
    assert of_night(contents_of(cluster, monkeypatch)) == after


def of_night(found: dict[tuple[dt.date, str], tuple[int, str]]) -> dict[str, tuple[int, str]]:
    """The rows and hashes of the night that the cluster has."""
    return {table: content for (night, table), content in found.items() if night == NIGHT}


def users_of_log(home: Path) -> list[str]:
    """The users of the night's log, as the app sent them."""
    log = next((home / "landing" / BEHAVIOR_LOGS / f"dt={NIGHT}").rglob("*.csv.gz"))
    with gzip.open(log, "rt") as lines:
        return [row["user_id"] for row in csv.DictReader(lines)]
