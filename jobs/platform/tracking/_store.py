"""Access to the MLflow store of the settings."""

from functools import cache
from pathlib import Path

import mlflow

from jobs.platform.mlflow_artifacts import database
from jobs.platform.settings import Settings
from jobs.platform.tracking._relative import make_relative


def is_empty(settings: Settings) -> bool:
    """True if nothing was ever tracked here. A query to MLflow would create its database, which takes many seconds."""
    path = database(settings.mlflow_uri)
    return path is not None and not path.exists()


def client(settings: Settings) -> mlflow.MlflowClient:
    """Return MLflow's client, and make all of MLflow's functions use the store of these settings."""
    mlflow.set_tracking_uri(settings.mlflow_uri)
    path = database(settings.mlflow_uri)
    if path == settings.home / "mlflow.db":
        _prepare(path)
    return mlflow.MlflowClient()


@cache
def _prepare(path: Path) -> None:
    mlflow.MlflowClient().search_experiments(max_results=1)  # creates the database if it does not exist
    make_relative(path)
