"""The services of a cluster, each machine of which is a network namespace of this host. Needs root."""

import os
import shlex
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from infra import durable
from infra.cluster import airflow, databases, spark, store
from infra.cluster.network import SERVICES, Network
from infra.cluster.settings import (
    AIRFLOW_PORT,
    MLFLOW_PORT,
    POSTGRES_PORT,
    REDIS_PORT,
    S3_PORT,
    SPARK_CONNECT_PORT,
    SPARK_PORT,
    SPARK_UI_PORT,
    USERS,
    Settings,
)
from infra.local import mlflow_server
from infra.local.daemon import Daemon, ServiceError
from infra.local.paths import State
from infra.services import START_S, Services, start_daemon
from infra.spark import launch


class ClusterServices(Services):
    """The cluster of one state folder."""

    def __init__(self, folder: State) -> None:
        self.state = folder
        folder.make()
        self._settings = Settings(folder, Network(folder.home))
        self.api = airflow.api(self._settings)
        self._stores = {
            POSTGRES_PORT: databases.postgres(self._settings),
            REDIS_PORT: databases.redis(self._settings),
            S3_PORT: store.s3(self._settings),
        }
        self._master, *self._workers = spark.daemons(self._settings)
        self._connect = spark.connect(self._settings)
        self._mlflow = _mlflow(self._settings)
        self._airflow = airflow.daemons(self._settings)

    @property
    def daemons(self) -> Sequence[Daemon]:
        """The databases and the object store first, because all others need them."""
        return [*self._stores.values(), self._master, *self._workers, self._connect, self._mlflow, *self._airflow]

    @property
    def settings(self) -> Mapping[str, str]:
        """The lake, the object store and MLflow."""
        return self._settings.of_jobs()

    @property
    def spark_environment(self) -> Mapping[str, str]:
        """The address of the Connect server."""
        return {"SPARK_REMOTE": f"sc://{self._settings.services}:{SPARK_CONNECT_PORT}"}

    def start(self, *, complete: bool) -> None:
        """See `Services.start`."""
        if os.getuid() != 0:
            raise ServiceError("PROFILE=cluster creates network namespaces: run it as root")
        if (problem := launch.fault()) is not None:
            raise ServiceError(problem)
        self._settings.network.create()
        databases.create(self._settings)
        for port, daemon in self._stores.items():
            start_daemon(daemon)
            self._wait_for(daemon, port)
        for daemon in (self._master, self._mlflow):
            start_daemon(daemon)
        airflow.create_database(self._settings)
        for daemon in [*self._workers, self._connect, *self._airflow]:
            start_daemon(daemon)
        self._wait_for(self._master, SPARK_PORT)
        self._wait_for(self._connect, SPARK_CONNECT_PORT)
        self._wait_for(self._mlflow, MLFLOW_PORT)
        self._wait_for(self._airflow[0], AIRFLOW_PORT)
        airflow.create_users(self._settings, self.api)
        self.accept_nights()

    def stop(self) -> None:
        """Stop all services, and remove the machines."""
        super().stop()
        self._settings.network.remove()

    def addresses(self) -> Mapping[str, str]:
        """Return the addresses of the web interfaces, and where the passwords are."""
        ports = {"Airflow": AIRFLOW_PORT, "MLflow": MLFLOW_PORT, "Spark": SPARK_UI_PORT}
        addresses = {name: f"http://{self._settings.services}:{port}" for name, port in ports.items()}
        passwords = f"{', '.join(USERS)}; passwords in {self.state.airflow}/NAME.secret"
        return addresses | {"Users": passwords, "Settings": f". {self._write_settings()}"}

    def log_of(self, task: Mapping[str, Any]) -> str:
        """Return the address of the page with the log."""
        mapped = f"/mapped/{task['map_index']}" if task["map_index"] >= 0 else ""
        page = f"dags/{task['dag_id']}/runs/{task['dag_run_id']}/tasks/{task['task_id']}{mapped}"
        return f"http://{self._settings.services}:{AIRFLOW_PORT}/{page}"

    def _wait_for(self, daemon: Daemon, port: int) -> None:
        daemon.wait(lambda: _answers(self._settings.services, port), START_S)

    def _write_settings(self) -> str:
        """Write the settings of commands as a file for the shell, readable only by its owner. Return its path."""
        path = self.state.home / "settings.sh"
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in self.settings.items()]
        durable.write(path, "".join(lines), mode=0o600)
        return str(path)


def _answers(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def _mlflow(settings: Settings) -> Daemon:
    """Return the MLflow server. Only it needs access to the database and to the bucket of the artifacts."""
    command = mlflow_server.command(settings.services, MLFLOW_PORT, settings.database("mlflow"), "s3://mlflow")
    command += ["--allowed-hosts", f"{settings.services}:{MLFLOW_PORT}"]
    environment = settings.of_jobs() | mlflow_server.ENVIRONMENT
    return Daemon("mlflow", settings.state, settings.network.command(SERVICES, command), environment)


of_folder = ClusterServices
