"""Start, stop and find the services of one machine: ``python -m infra.local.services up|down``.

Spark Connect, Airflow and, with `up`, MLflow's UI. All use loopback addresses and keep their state under NIGHTREEL_HOME.
"""

import fcntl
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from infra import durable
from infra.local import airflow, mlflow_server
from infra.local.airflow_api import DAGS, AirflowApi
from infra.local.daemon import Daemon, ServiceError, free_port
from infra.local.paths import HOST, State, state
from infra.local.spark_server import spark_server
from infra.spark import launch
from schemas.zone import UnknownZone, zone

_PREFERRED = {"airflow": 8080, "mlflow": 5000, "spark": 15002}
_START_S = 180.0


class Services:
    """The services of one NIGHTREEL_HOME."""

    def __init__(self, folder: State) -> None:
        self.state = folder
        folder.make()
        record = folder.run / "ports.json"
        self._use(json.loads(record.read_text()) if record.is_file() else _PREFERRED)

    def _use(self, ports: dict[str, int]) -> None:
        self._ports = ports
        self.api = AirflowApi(ports["airflow"])
        self._variables = airflow.environment(self.state, ports["airflow"], ports["spark"])
        self._airflow = airflow.daemons(self.state, self._variables)
        self._spark = spark_server(self.state, ports["spark"])
        self._mlflow = mlflow_server.mlflow_server(self.state, ports["mlflow"])

    def running(self) -> bool:
        """True if any service is running."""
        return any(daemon.running() for daemon in [*self._airflow, self._spark, self._mlflow])

    def start(self, *, with_mlflow: bool) -> None:
        """Start the services that are not running, and return when all are ready.

        Args:
            with_mlflow: if True, also start MLflow's UI.

        Raises:
            ServiceError: a service does not start, or there is no Java for Spark.
        """
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
                _start(daemon)
            preparation.finish()
            if with_mlflow:
                _start(self._mlflow)
                self._wait_for(self._mlflow, "mlflow")
            self._wait_for(self._airflow[0], "airflow")
            self._wait_for(self._spark, "spark")
        self.api.create_pool("gpu", 1, "One slot per GPU, for tasks that train or run a video generator")
        for daemon in self._airflow:
            daemon.wait(self.api.ready, _START_S)
        for dag in DAGS:
            self.api.unpause(dag)

    @property
    def daemons(self) -> list[Daemon]:
        """The services that a night needs. MLflow's UI is not one of them."""
        return [self._spark, *self._airflow]

    def restart_dead(self) -> list[str]:
        """Restart the services that have died and return their names. Airflow retries the tasks that died with them."""
        dead = [daemon for daemon in self.daemons if not daemon.running()]
        for daemon in dead:
            daemon.start()
        return [daemon.name for daemon in dead]

    def _wait_for(self, daemon: Daemon, port: str) -> None:
        daemon.wait(lambda: daemon.listens(self._ports[port]), _START_S)

    def stop(self) -> None:
        """Stop all services, Airflow first, so that no running task loses Spark."""
        for daemon in [*reversed(self._airflow), self._mlflow, self._spark]:
            daemon.stop()
        self.state.kept.unlink(missing_ok=True)

    @property
    def spark_remote(self) -> str:
        """The address of the Spark server, in the form of SPARK_REMOTE."""
        return f"sc://{HOST}:{self._ports['spark']}"

    def addresses(self) -> dict[str, str]:
        """Return the addresses of the web interfaces."""
        return {
            name: f"http://{HOST}:{self._ports[key]}" for name, key in (("Airflow", "airflow"), ("MLflow", "mlflow"))
        }


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


def _start(daemon: Daemon) -> None:
    if not daemon.running():
        daemon.start()


def main() -> None:
    """`up` starts the services and leaves them running; `down` stops them."""
    try:
        zone()  # check it before anything is created
    except UnknownZone as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(os.EX_USAGE) from error
    services = Services(state())
    if sys.argv[1] == "down":
        services.stop()
        return
    started = time.monotonic()
    try:
        services.start(with_mlflow=True)
    except ServiceError as error:
        raise SystemExit(f"error: {error}") from error
    services.state.kept.touch()
    print(f"Ready in {time.monotonic() - started:.0f} s; `make down` stops it")
    for name, address in services.addresses().items():
        print(f"  {name:8} {address}")


if __name__ == "__main__":
    main()
