"""A state folder works wherever it is moved, and a copy leaves the original alone."""

import hashlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import mlflow
import pytest

from jobs.platform import tracking
from tests.jobs.platform.tracking.nights import FIRST, SECOND, copied, gc, look, promote, serve, train, use

_OTHER_NAME = "my lake #1 (东)"


def _files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _dump(home: Path) -> str:
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        return "\n".join(connection.iterdump())


def _as_before(home: Path) -> None:
    """Give a state folder the absolute paths that earlier versions of this project wrote."""
    root = (home / "mlartifacts").as_uri()
    with closing(sqlite3.connect(home / "mlflow.db")) as connection, connection:
        for table, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("logged_models", "artifact_location"),
            ("model_versions", "storage_location"),
        ):
            connection.execute(f"UPDATE {table} SET {column} = replace({column}, 'mlflow-artifacts:', '{root}')")
        connection.execute("UPDATE experiments SET artifact_location = rtrim(artifact_location, '/')")
        connection.execute(
            "UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0", (str(home / "run/mlruns/0"),)
        )
        connection.execute(
            "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, workspace)"
            " VALUES (7, 'from the UI', ?, 'active', 'default')",
            (str(home / "mlartifacts/7"),),
        )


@pytest.mark.parametrize("before", [False, True], ids=["of_today", "of_before"])
def test_a_moved_state_folder_works(trained: Path, tmp_path: Path, before: bool) -> None:
    home, moved = tmp_path / "home", tmp_path / _OTHER_NAME
    copied(trained, home)
    if before:
        _as_before(home)
    home.rename(moved)
    found = use(moved)
    assert serve(found, FIRST) == 2
    assert tracking.artifact(found, "recommend/promote", FIRST, "verdict.json") is not None
    train(found, SECOND, "b", 6)
    promote(found, SECOND)
    assert serve(found, SECOND) == 6
    look(found)
    assert not home.exists()
    assert str(tmp_path / "home") not in _dump(moved)
    assert str(moved) not in _dump(moved)
    if before:
        locations = {e.name: e.artifact_location for e in mlflow.search_experiments()}
        assert locations == {
            "Default": "mlflow-artifacts:/0",
            "recommend": "mlflow-artifacts:/",
            "from the UI": "mlflow-artifacts:/7",
        }


@pytest.mark.parametrize("before", [False, True], ids=["of_today", "of_before"])
def test_a_copy_never_touches_the_original(trained: Path, tmp_path: Path, before: bool) -> None:
    home = tmp_path / "home"
    copied(trained, home)
    if before:
        _as_before(home)
    original = _files(home)
    found = copied(home, tmp_path / "copy")
    live = tracking.serving(found, "recommender", night=FIRST)
    assert tracking.download(found, live).is_relative_to(tmp_path / "copy")
    train(found, SECOND, "a", 4)
    train(found, SECOND, "b", 6)
    promote(found, SECOND)
    tracking.delete_weights(found, live)
    gc(found)
    look(found)
    assert _files(home) == original
    assert serve(use(home), FIRST) == 2


def test_mlflow_gc_on_a_fresh_copy_deletes_there_and_nowhere_else(trained: Path, tmp_path: Path) -> None:
    found = copied(trained, tmp_path / "copy")
    original = _files(trained)
    (deleted,) = mlflow.search_runs(
        search_all_experiments=True, filter_string="attributes.run_name = 'promote 2022-04-30'", output_format="list"
    )
    artifacts = tmp_path / "copy" / "mlartifacts" / deleted.info.run_id
    assert (artifacts / "artifacts" / "verdict.json").is_file()
    mlflow.delete_run(deleted.info.run_id)
    subprocess.run(
        [Path(sys.executable).with_name("mlflow"), "gc", "--backend-store-uri", found.mlflow_uri],
        env={**os.environ, "MLFLOW_TRACKING_URI": found.mlflow_uri, "PYTHONPATH": str(Path(__file__).parents[4])},
        check=True,
        cwd=tmp_path,
    )
    assert not (artifacts / "artifacts").exists()
    assert tracking.artifact(found, "recommend/promote", FIRST, "verdict.json") is None
    assert serve(found, FIRST) == 2
    assert _files(trained) == original
