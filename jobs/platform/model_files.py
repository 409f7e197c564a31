"""The files of a model on Spark's executors: sent once by the job, loaded once by each Python worker.

Spark copies an artifact of the session to every executor that works for it: in the job's own process, through a Connect server,
and on a cluster without a shared folder alike.
"""

import secrets
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@contextmanager
def sent(spark: "SparkSession", *directories: Path) -> Iterator[str]:
    """Send the files of directories to the executors, and yield the name by which workers find them (`on_worker`).

    Spark may copy the files until the last task has started, so everything that needs them is computed inside the block.
    """
    name = f"model-{secrets.token_hex(8)}.zip"  # a session refuses a second artifact with the name of another
    with TemporaryDirectory() as folder:
        archive = Path(folder, name)
        with zipfile.ZipFile(archive, "w") as packed:  # not compressed: weights hardly shrink
            for directory in directories:
                for file in sorted(path for path in directory.rglob("*") if path.is_file()):
                    packed.write(file, file.relative_to(directory))
        spark.addArtifacts(str(archive), archive=True)
        yield name


def on_worker(name: str) -> Path:
    """Return the directory with the files that were sent under this name. Only a Python worker of Spark has it."""
    from pyspark import SparkFiles

    return Path(SparkFiles.get(name))
