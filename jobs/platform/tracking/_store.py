"""MLflow's store, as the settings name it."""

import mlflow

from jobs.platform.settings import Settings


def is_empty(settings: Settings) -> bool:
    """Whether nothing was ever tracked here; to ask MLflow would make its database, which takes many seconds."""
    return (
        settings.mlflow_uri == f"sqlite:///{settings.home / 'mlflow.db'}" and not (settings.home / "mlflow.db").exists()
    )


def client(settings: Settings) -> mlflow.MlflowClient:
    mlflow.set_tracking_uri(settings.mlflow_uri)
    return mlflow.MlflowClient()
