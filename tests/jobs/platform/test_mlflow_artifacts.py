"""MLflow's artifacts are found beside its database, whatever the folder is called."""

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository

from jobs.platform.mlflow_artifacts import database

_NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in (".", "..")
)


@given(_NAMES)
@example("50%20off")
@example("what?")
@example("my lake #1 (东)")
def test_artifacts_lie_beside_the_database(name: str) -> None:
    home = Path("/state", name)
    uri = f"sqlite:///{quote(str(home))}/mlflow.db"
    assert database(uri) == home / "mlflow.db"
    found = get_artifact_repository("mlflow-artifacts:/1f/artifacts", tracking_uri=uri)
    assert isinstance(found, LocalArtifactRepository)
    assert Path(found.artifact_dir) == home / "mlartifacts" / "1f" / "artifacts"


@pytest.mark.parametrize("uri", ["http://mlflow:5000", "https://mlflow/team"])
def test_a_server_keeps_its_own(uri: str) -> None:
    assert database(uri) is None
    found = get_artifact_repository("mlflow-artifacts:/1f/artifacts", tracking_uri=uri)
    assert isinstance(found, MlflowArtifactsRepository)
