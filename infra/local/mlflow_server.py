"""MLflow: its tracking store, made before several jobs would make it at once, and its UI."""

import os
import subprocess
import sys
from importlib.metadata import version

from infra import durable
from infra.local.daemon import Daemon, ServiceError
from infra.local.paths import HOST, State


def mlflow_server(state: State, port: int) -> Daemon:
    """MLflow's UI over the tracking store of the jobs, on this port."""
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        HOST,
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    artifacts = (state.home / "mlartifacts").as_uri()  # what the database calls `mlflow-artifacts:/`
    command += ["--backend-store-uri", state.mlflow_uri, "--artifacts-destination", artifacts]
    # Its own job runner (for evaluations started in the UI) costs two more processes, and nothing here uses it.
    return Daemon("mlflow", state, command, {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})


class Preparation:
    """Creates the tracking store, or brings it to the form that this version needs, in the background; does nothing twice."""

    def __init__(self, state: State) -> None:
        self._stamp = state.run / "mlflow.version"
        self._process: subprocess.Popen[str] | None = None
        self._form = f"MLflow {version('mlflow')}, paths relative"
        there = (state.home / "mlflow.db").is_file() and self._stamp.is_file()
        if not state.mlflow_uri.startswith("sqlite:") or (there and self._stamp.read_text() == self._form):
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
            ServiceError: it could not be made.
        """
        if self._process is None:
            return
        output, _ = self._process.communicate()
        if self._process.returncode:
            lines = output.strip().split("\n")
            raise ServiceError(f"MLflow's store cannot be prepared: {lines[-1]}")
        durable.write(self._stamp, self._form)
