"""A night run again goes on, whatever has been done to its experiment and runs in MLflow's UI."""

from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest

from tests.jobs.platform.tracking.nights import FAMILIES, SECOND, copied, gc, look, promote, serve, train


def _delete(experiment: str) -> None:
    mlflow.delete_experiment(experiment)


def _rename(experiment: str) -> None:
    mlflow.MlflowClient().rename_experiment(experiment, "kept for later")


def _delete_runs(experiment: str) -> None:
    for run in mlflow.search_runs([experiment], output_format="list"):
        mlflow.delete_run(run.info.run_id)


@pytest.mark.parametrize("purged", [False, True], ids=["kept", "purged"])
@pytest.mark.parametrize("done", [_delete, _rename, _delete_runs], ids=["deleted", "renamed", "runs_deleted"])
def test_a_night_goes_on(trained: Path, tmp_path: Path, done: Callable[[str], None], purged: bool) -> None:
    found = copied(trained, tmp_path / "home")
    experiment = mlflow.get_experiment_by_name("recommend")
    assert experiment is not None
    done(experiment.experiment_id)
    if purged:
        gc(found)
    look(found)
    for quality, family in enumerate(FAMILIES, start=4):
        train(found, SECOND, family, quality)
    promote(found, SECOND)
    assert serve(found, SECOND) == 5
    look(found)
    now = mlflow.get_experiment_by_name("recommend")
    assert now is not None
    assert now.lifecycle_stage == "active"
