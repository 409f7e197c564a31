"""Makes the paths relative that MLflow has put into the database of a state folder; see `jobs.platform.mlflow_artifacts`.

State folders made by earlier versions have their own absolute path in every run and model, and may have been moved since.
MLflow itself gives its `Default` experiment, which nothing here uses, a path in the working directory of whoever came first.
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
    """Replace the folder that the artifacts were in when they were written, wherever that was; does nothing twice."""
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        found = connection.execute(
            f"SELECT artifact_location FROM experiments WHERE artifact_location LIKE '%/{FOLDER}'"
        )
        uris = {uri for (uri,) in found}
        roots = uris | {local_file_uri_to_path(uri) for uri in uris}  # the UI made experiments below the plain path
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
