"""The services of one machine: Spark Connect, Airflow and, with `make up`, MLflow's UI.

All use loopback addresses and keep their state under NIGHTREEL_HOME.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from infra import durable
from infra.local import airflow, job_server, mlflow_server
from infra.local.airflow_api import AirflowApi
from infra.local.daemon import Daemon, ServiceError, free_port
from infra.local.paths import HOST, State
from infra.local.spark_server import spark_server
from infra.local.task_log import log_file
from infra.services import START_S, Services, start_daemon
from infra.spark import launch

_PREFERRED = {"airflow": 8080, "mlflow": 5000, "spark": 15002}


class LocalServices(Services):
    """The services of one NIGHTREEL_HOME."""

    def __init__(self, folder: State) -> None:
        self.state = folder
        folder.make()
        record = folder.run / "ports.json"
        self._use(json.loads(record.read_text()) if record.is_file() else _PREFERRED)

    def _use(self, ports: dict[str, int]) -> None:
        self._ports = ports
        self.api = AirflowApi(f"http://{HOST}:{ports['airflow']}", restart_server=self._restart_api_server)
        self._variables = airflow.environment(self.state, ports["airflow"], ports["spark"])
        self._jobs = job_server.job_server(self.state, self._variables)
        self._airflow = airflow.daemons(self.state, self._variables)
        self._spark = spark_server(self.state, ports["spark"])
        self._mlflow = mlflow_server.mlflow_server(self.state, ports["mlflow"])

    def start(self, *, complete: bool) -> None:
        if (problem := launch.fault()) is not None:
            raise ServiceError(problem)
        preparation = mlflow_server.Preparation(self.state)
        airflow.migrate(self.state, self._variables)
        with _ports_lock():
            if not self.running():
                ports = {name: free_port(preferred) for name, preferred in _PREFERRED.items()}
                durable.write_json(self.state.run / "ports.json", ports)
                self._use(ports)
            for daemon in self.daemons:
                start_daemon(daemon)
            preparation.finish()
            if complete:
                start_daemon(self._mlflow)
                self._wait_for(self._mlflow, "mlflow")
            self._wait_for(self._airflow[0], "airflow")
            self._wait_for(self._spark, "spark")
        self.accept_nights()

    @property
    def daemons(self) -> Sequence[Daemon]:
        """Spark, the job server, and Airflow."""
        return [self._spark, self._jobs, *self._airflow]

    @property
    def optional(self) -> Sequence[Daemon]:
        """MLflow's UI."""
        return [self._mlflow]

    @property
    def spark_environment(self) -> Mapping[str, str]:
        """The address of the Spark server, and the state folder, where the job server listens."""
        return {"SPARK_REMOTE": f"sc://{HOST}:{self._ports['spark']}", "NIGHTREEL_HOME": str(self.state.home)}

    def _wait_for(self, daemon: Daemon, port: str) -> None:
        daemon.wait(lambda: daemon.listens(self._ports[port]), START_S)

    def _restart_api_server(self) -> None:
        server = self._airflow[0]
        server.stop()
        server.start()
        self._wait_for(server, "airflow")

    def addresses(self) -> dict[str, str]:
        """Return the addresses of the web interfaces."""
        return {
            name: f"http://{HOST}:{self._ports[key]}" for name, key in (("Airflow", "airflow"), ("MLflow", "mlflow"))
        }

    def log_of(self, task: Mapping[str, Any]) -> str:
        """Return the path of the log."""
        return str(log_file(self.state, task))


@contextmanager
def _ports_lock() -> Iterator[None]:
    """Hold a lock of the whole machine, so that services of two state folders do not choose the same free ports."""
    # The folder itself: it exists, and all users of the machine can lock it.
    lock = os.open(tempfile.gettempdir(), os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


of_folder = LocalServices
