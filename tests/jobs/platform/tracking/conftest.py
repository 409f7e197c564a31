"""One store of two nights, trained once and copied by every test that changes it."""

from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from jobs.platform import tracking
from tests.jobs.platform.tracking.nights import FIRST, SECOND, promote, train, use


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Takes the environment and MLflow's state back after every test."""
    for name in ("NIGHTREEL_HOME", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "")
    yield
    mlflow.set_tracking_uri("")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights of two families; the second night's first family was trained again, and only the first night promoted."""
    home = tmp_path_factory.mktemp("trained") / "home"
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NIGHTREEL_HOME", "MLFLOW_TRACKING_URI"):
            patch.setenv(name, "")
        found = use(home)
        for night, family, quality in (
            (FIRST, "a", 1),
            (FIRST, "b", 2),
            (SECOND, "a", 3),
            (SECOND, "a", 4),
            (SECOND, "b", 5),
        ):
            train(found, night, family, quality)
        promote(found, FIRST)
        tracking.set_verdict(found, "recommender", night=SECOND, promoted=None)
    return home
