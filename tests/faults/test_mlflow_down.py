"""A training waits for an MLflow that is down or locked."""

import datetime as dt
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import mlflow
import pytest

from infra.local.daemon import Daemon, free_port
from infra.local.mlflow_server import mlflow_server
from infra.local.paths import HOST, State
from jobs.platform import tracking
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from tests.faults.conftest import RecordFault

MAY_1 = dt.date(2022, 5, 1)


def train(value: float) -> None:
    """What every training does with MLflow."""
    with tracking.run(JobContext(MAY_1, settings()), "recommend/als", {"factors": 8}) as run:
        run.log_metrics({"ndcg_at_20": value})


def runs() -> list[dict[str, float]]:
    """Metrics of all runs there are."""
    experiment = mlflow.get_experiment_by_name("recommend")
    assert experiment is not None
    return [run.data.metrics for run in mlflow.search_runs([experiment.experiment_id], output_format="list")]


@contextmanager
def locked(database: Path, seconds: float) -> Iterator[None]:
    """Hold SQLite's lock on writing, as a process that hangs in the middle of a write does."""
    ready = threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            ready.set()
            time.sleep(seconds)
            connection.execute("COMMIT")

    holder = threading.Thread(target=hold)
    holder.start()
    ready.wait()
    yield
    holder.join()


@pytest.fixture
def late_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """An MLflow server that is not up yet."""
    where = State(home)
    where.make()
    port = free_port(0)
    server = mlflow_server(where, port)  # keeps its runs in the home, whatever the trainings are told below
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{HOST}:{port}")
    yield server
    server.stop()


def test_it_waits_for_a_server_that_is_down(late_server: Daemon, record_fault: RecordFault) -> None:
    started = time.monotonic()
    up = threading.Timer(4, late_server.start)
    up.start()
    train(0.1)
    waited = time.monotonic() - started
    record_fault("MLflow down", f"the training waited {waited:.0f} s for it, nothing lost")
    assert waited > 4
    assert runs() == [{"ndcg_at_20": 0.1}]


def test_it_waits_for_a_database_that_is_locked(home: Path, record_fault: RecordFault) -> None:
    train(0.1)
    with locked(home / "mlflow.db", seconds=8):
        train(0.2)
    record_fault("MLflow's database locked for 8 s", "the training waited for it and went on with its own run")
    assert runs() == [{"ndcg_at_20": 0.2}]
