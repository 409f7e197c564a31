"""MLflow's UI shows what the jobs keep, wherever the state folder is, and jobs may work through its server."""

import os
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
import requests

from infra.local.daemon import free_port
from infra.local.mlflow_server import Preparation, mlflow_server
from infra.local.paths import HOST, State
from jobs.platform import tracking
from jobs.platform.settings import settings
from tests.jobs.platform.tracking.nights import FAMILIES, FIRST, SECOND, promote, serve, train, use


@pytest.fixture
def moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The state folder of one night, in another place than it was trained in."""
    for name in ("NIGHTREEL_HOME", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "")
    (home := tmp_path / "home").mkdir()
    found = use(home)
    for quality, family in enumerate(FAMILIES):
        train(found, FIRST, family, quality)
    promote(found, FIRST)
    yield home.rename(tmp_path / "my lake #1 (东)")
    mlflow.set_tracking_uri("")


def test_the_server_of_a_moved_state_folder_gives_and_takes_artifacts(
    moved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(moved)
    where = State(moved)
    where.make()
    preparation = Preparation(where)
    preparation.finish()
    assert Preparation(where)._process is None  # not twice
    server, address = mlflow_server(where, port := free_port(0)), f"http://{HOST}:{port}"
    server.start()
    try:
        server.wait(lambda: server.listens(port), 180)
        (kept,) = [run for run in mlflow.search_runs(search_all_experiments=True, output_format="list")
                   if run.info.run_name == f"promote {FIRST}"]  # fmt: skip
        asked = {"run_id": kept.info.run_id, "path": "verdict.json"}
        assert requests.get(f"{address}/get-artifact", asked, timeout=60).json()["promoted"].startswith("b-")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        found = settings()
        assert serve(found, FIRST) == 1
        for quality, family in enumerate(FAMILIES, start=2):
            train(found, SECOND, family, quality)
        promote(found, SECOND)
        tracking.delete_weights(found, tracking.candidates(found, "recommender", night=SECOND, families=["a"])[0])
    finally:
        server.stop()
    os.environ.pop("MLFLOW_TRACKING_URI")
    assert serve(use(moved), SECOND) == 3
    assert tracking.artifact(use(moved), "recommend/promote", SECOND, "verdict.json") is not None
