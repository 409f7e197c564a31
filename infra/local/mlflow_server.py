"""MLflow's UI, and its tracking store, which is created in advance so that jobs do not create it concurrently."""

import os
import subprocess
import sys
from importlib.metadata import version

from infra import durable
from infra.local.daemon import Daemon, ServiceError
from infra.local.paths import HOST, State


def mlflow_server(state: State, port: int) -> Daemon:
    """Return the service of MLflow's UI, on this port, for the tracking store of the jobs."""
    artifacts = (state.home / "mlartifacts").as_uri()  # where `mlflow-artifacts:/` in the database points to
    return Daemon("mlflow", state, command(HOST, port, state.mlflow_uri, artifacts), ENVIRONMENT)


def command(host: str, port: int, records: str, artifacts: str) -> list[str]:
    """Return the command of a server that keeps its records in a database, and the files of its runs at a URI."""
    server = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1"]
    return [*server, "--backend-store-uri", records, "--artifacts-destination", artifacts]


# MLflow's job runner (for evaluations started in the UI) takes two more processes and is not used here.
ENVIRONMENT = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


class Preparation:
    """Create or migrate the tracking store in the background, unless this version of MLflow has already done so."""

    def __init__(self, state: State) -> None:
        self._stamp = state.run / "mlflow.version"
        self._process: subprocess.Popen[str] | None = None
        self._format = f"MLflow {version('mlflow')}, paths relative"
        exists = (state.home / "mlflow.db").is_file() and self._stamp.is_file()
        if not state.mlflow_uri.startswith("sqlite:") or (exists and self._stamp.read_text() == self._format):
            return
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jobs.platform.tracking"],
            cwd=state.run,
            env={**os.environ, "NIGHTREEL_HOME": str(state.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self) -> None:
        """Wait until the store is ready.

        Raises:
            ServiceError: the store could not be created or migrated.
        """
        if self._process is None:
            return
        output, _ = self._process.communicate()
        if self._process.returncode:
            lines = output.strip().split("\n")
            raise ServiceError(f"MLflow's store cannot be created or migrated: {lines[-1]}")
        durable.write(self._stamp, self._format)
