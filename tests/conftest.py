"""Fixtures of all tests: one Spark session, an empty state folder per test, and the real data if it is available."""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.environment import ROOT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.object_store import ObjectStore

with suppress(ModuleNotFoundError):  # Airflow's environment has no hypothesis
    from hypothesis import HealthCheck, settings

    # On a busy machine any example may be slow, whatever the code.
    settings.register_profile(
        "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
    )
    settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def spark() -> Iterator["SparkSession"]:
    """One Spark session for all tests, with the settings of the nights."""
    os.environ.pop("SPARK_REMOTE", None)
    from jobs.platform.spark import session

    spark_session = session()
    yield spark_session
    spark_session.stop()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty NIGHTREEL_HOME with a new pseudonym key, for one test."""
    monkeypatch.setenv("NIGHTREEL_HOME", str(tmp_path))
    monkeypatch.setenv("NIGHTREEL_PSEUDONYM_KEY", secrets.token_hex(32))
    for name in ("LAKE", "FILES", "SOURCE", "TIMEZONE", "RUN_ID", "PSEUDONYM_KEY_FILE"):
        monkeypatch.delenv(f"NIGHTREEL_{name}", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator["ObjectStore"]:
    """An empty object store, which all libraries find by their variables."""
    from tests import object_store

    with object_store.in_memory() as server:
        object_store.use(server.address, monkeypatch)
        yield server


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout. Tests that need it are skipped if it does not exist."""
    folder = Path(ROOT).parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the real data in ../shared/data, which is not part of the project")
    return folder
