"""The directory that a model was saved in, as MLflow keeps it for a registered version."""

import hashlib
from pathlib import Path

import mlflow
from mlflow.entities.model_registry import ModelVersion as Record
from mlflow.exceptions import MlflowException

from jobs.platform.settings import Settings
from jobs.platform.tracking._store import client


def digest(directory: Path) -> str:
    """The first 8 hexadecimal digits of SHA-256 over the names and bytes of all files."""
    sha = hashlib.sha256()
    for path in sorted(p for p in directory.rglob("*") if p.is_file()):
        sha.update(f"{path.relative_to(directory)}\0{path.stat().st_size}\0".encode())
        sha.update(path.read_bytes())
    return sha.hexdigest()[:8]


def saved(settings: Settings, found: Record) -> Path | None:
    """The directory, None where it is gone or not what it was: people clean up by hand, and disks fill up."""
    client(settings)
    try:
        model = Path(mlflow.artifacts.download_artifacts(f"models:/{found.name}/{found.version}"))
    except (MlflowException, OSError) as error:
        if isinstance(error, MlflowException) and error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    kept = next((model / "artifacts").glob("*"), None)
    if kept is None or digest(kept) != found.tags["version"].rpartition("-")[2]:
        return None
    return kept
