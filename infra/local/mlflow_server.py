"""MLflow: its tracking store, made before several jobs would make it at once, and its UI."""

import subprocess
import sys
from importlib.metadata import version

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
    command += ["--backend-store-uri", state.mlflow_uri, "--default-artifact-root", str(state.home / "mlartifacts")]
    # Its own job runner (for evaluations started in the UI) costs two more processes, and nothing here uses it.
    return Daemon("mlflow", state, command, {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})


class Preparation:
    """Creates the tracking store, or brings it to this MLflow's version, in the background; does nothing twice."""

    def __init__(self, state: State) -> None:
        self._stamp = state.run / "mlflow.version"
        self._process: subprocess.Popen[str] | None = None
        database = state.home / "mlflow.db"
        remote = not state.mlflow_uri.startswith("sqlite:")
        if remote or (database.is_file() and self._stamp.is_file() and self._stamp.read_text() == version("mlflow")):
            return
        create = "import mlflow, sys; mlflow.MlflowClient(sys.argv[1]).search_experiments(max_results=1)"
        command = ["-m", "mlflow", "db", "upgrade"] if database.is_file() else ["-c", create]
        self._process = subprocess.Popen(
            [sys.executable, *command, state.mlflow_uri],
            cwd=state.run,
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
        self._stamp.write_text(version("mlflow"))
