"""MLflow's store, as the settings name it."""

from functools import cache
from pathlib import Path

import mlflow

from jobs.platform.mlflow_artifacts import database
from jobs.platform.settings import Settings
from jobs.platform.tracking._relative import make_relative


def is_empty(settings: Settings) -> bool:
    """Whether nothing was ever tracked here; to ask MLflow would make its database, which takes many seconds."""
    own = database(settings.mlflow_uri)
    return own is not None and not own.exists()


def client(settings: Settings) -> mlflow.MlflowClient:
    """MLflow's client of the store, which all of MLflow's functions use from then on."""
    mlflow.set_tracking_uri(settings.mlflow_uri)
    own = database(settings.mlflow_uri)
    if own == settings.home / "mlflow.db":
        _prepare(own)
    return mlflow.MlflowClient()


@cache
def _prepare(own: Path) -> None:
    mlflow.MlflowClient().search_experiments(max_results=1)  # makes the database where there is none
    make_relative(own)
