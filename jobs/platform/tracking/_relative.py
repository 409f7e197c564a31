"""Replaces absolute artifact paths in a state folder's MLflow database, see `jobs.platform.mlflow_artifacts`.

State folders from earlier versions have their absolute path in every run and model, and may have been moved since. MLflow also
gives its `Default` experiment, which nothing here uses, a path in the working directory of the first process.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from mlflow.utils.file_utils import local_file_uri_to_path

from jobs.platform.mlflow_artifacts import FOLDER, ROOT

_PATHS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
)
_DEFAULT = "experiment_id = 0 AND artifact_location LIKE '/%' AND 0 NOT IN (SELECT experiment_id FROM runs)"


def make_relative(database: Path) -> None:
    """Replace the original folder of the artifacts by `mlflow-artifacts:/`. A second call changes nothing."""
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        locations = connection.execute(
            f"SELECT artifact_location FROM experiments WHERE artifact_location LIKE '%/{FOLDER}'"
        )
        uris = {uri for (uri,) in locations}
        roots = uris | {local_file_uri_to_path(uri) for uri in uris}  # the UI created experiments with the plain path
        default = connection.execute(f"SELECT 1 FROM experiments WHERE {_DEFAULT}").fetchall()
        if not roots and not default:
            return
        with connection:
            for root in roots:
                for table, column in _PATHS:
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?)"
                        f" WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                        (ROOT, len(root) + 2, root, len(root) + 1, f"{root}/"),
                    )
            connection.execute(f"UPDATE experiments SET artifact_location = ? WHERE {_DEFAULT}", (f"{ROOT}0",))
