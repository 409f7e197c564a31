"""Where MLflow's artifacts lie: in `mlartifacts` beside its SQLite database, wherever both are now.

The database keeps them as `mlflow-artifacts:/…`, which has no folder in it, so that a state folder can be moved or copied, and
a copy never touches the files of the original. It is MLflow's own scheme for what its server keeps: the UI and clients of a
server resolve it by `--artifacts-destination`. Only where there is no server, as in the jobs and in `mlflow gc`, does MLflow
refuse it; `repository` is a plugin for that case, found by `nightreel.dist-info/entry_points.txt`. Paths rewritten after every
move would be simpler, but `mlflow gc` on a fresh copy would delete the original's files.

MLflow loads this module while it is itself being imported, so it imports little.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository
from sqlalchemy import make_url

ROOT = "mlflow-artifacts:/"
"""The folder of all artifacts, as MLflow's database has it."""
FOLDER = "mlartifacts"


def database(tracking_uri: str) -> Path | None:
    """The SQLite database that a tracking URI names; None where it names something else."""
    if not tracking_uri.startswith("sqlite:"):
        return None
    path = make_url(tracking_uri).database
    return Path(path).absolute() if path else None


def repository(
    artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
) -> ArtifactRepository:
    """The artifacts below a URI of MLflow's own scheme, with or without a server."""
    from mlflow.tracking import get_tracking_uri

    kept_in = database(tracking_uri or get_tracking_uri())
    if kept_in is None:
        return MlflowArtifactsRepository(artifact_uri, tracking_uri, registry_uri)
    folder = kept_in.parent / FOLDER / unquote(urlsplit(artifact_uri).path).lstrip("/")
    return LocalArtifactRepository(folder.as_uri(), tracking_uri, registry_uri)
