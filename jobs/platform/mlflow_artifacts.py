"""The location of MLflow's artifacts: `mlartifacts` beside its SQLite database, even after the database was moved.

The database stores URIs `mlflow-artifacts:/…`, which contain no folder. So a state folder can be moved or copied, and a copy
never touches the files of the original. This is MLflow's own scheme for the artifacts of its server: the server's UI and clients
resolve it with `--artifacts-destination`. Without a server, as in the jobs and in `mlflow gc`, MLflow rejects the scheme;
`repository` is a plugin for that case, registered in `nightreel.dist-info/entry_points.txt`. Rewriting paths after every move
would be simpler, but `mlflow gc` on a fresh copy would delete the original's files.

MLflow loads this module while it is being imported itself, so this module imports little.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository
from sqlalchemy import make_url

ROOT = "mlflow-artifacts:/"
"""The root of all artifacts, as MLflow's database stores it."""
FOLDER = "mlartifacts"


def database(tracking_uri: str) -> Path | None:
    """Return the path of the SQLite database in a tracking URI; None for any other store."""
    if not tracking_uri.startswith("sqlite:"):
        return None
    path = make_url(tracking_uri).database
    return Path(path).absolute() if path else None


def repository(
    artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
) -> ArtifactRepository:
    """Return the repository of the artifacts below an `mlflow-artifacts:` URI, with or without a server."""
    from mlflow.tracking import get_tracking_uri

    database_path = database(tracking_uri or get_tracking_uri())
    if database_path is None:
        return MlflowArtifactsRepository(artifact_uri, tracking_uri, registry_uri)
    folder = database_path.parent / FOLDER / unquote(urlsplit(artifact_uri).path).lstrip("/")
    return LocalArtifactRepository(folder.as_uri(), tracking_uri, registry_uri)
