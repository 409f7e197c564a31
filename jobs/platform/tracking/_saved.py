"""The directory with the saved model of a registered version, downloaded from MLflow."""

import hashlib
from pathlib import Path

import mlflow
from mlflow.entities.model_registry import ModelVersion as Record
from mlflow.exceptions import MlflowException

from jobs.platform.settings import Settings
from jobs.platform.tracking._store import client


def digest(directory: Path) -> str:
    """Return the first 8 hexadecimal digits of the SHA-256 over the names and bytes of all files."""
    sha = hashlib.sha256()
    for path in sorted(p for p in directory.rglob("*") if p.is_file()):
        sha.update(f"{path.relative_to(directory)}\0{path.stat().st_size}\0".encode())
        sha.update(path.read_bytes())
    return sha.hexdigest()[:8]


def saved_directory(settings: Settings, version: Record) -> Path | None:
    """Return the directory; None if it is gone or changed, e.g. cleaned up by hand or truncated by a full disk."""
    client(settings)
    try:
        model = Path(mlflow.artifacts.download_artifacts(f"models:/{version.name}/{version.version}"))
    except (MlflowException, OSError) as error:
        if isinstance(error, MlflowException) and error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    directory = next((model / "artifacts").glob("*"), None)
    if directory is None or digest(directory) != version.tags["version"].rpartition("-")[2]:
        return None
    return directory
