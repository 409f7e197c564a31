"""Start, stop and find the services of one machine: ``python -m infra.local.services up|down``.

Spark Connect, Airflow and, for `up`, MLflow's UI: all on loopback addresses, all state under NIGHTREEL_HOME.
"""

import json
import sys
import time

from infra.local import airflow, mlflow_server
from infra.local.airflow_api import DAGS, AirflowApi
from infra.local.daemon import Daemon, ServiceError, free_port, port_open, write_json
from infra.local.paths import HOST, State, state
from infra.local.spark_server import spark_server

_PREFERRED = {"airflow": 8080, "mlflow": 5000, "spark": 15002}
_START_S = 180.0


class Services:
    """The services of one NIGHTREEL_HOME."""

    def __init__(self, where: State) -> None:
        self.state = where
        where.make()
        self.ports = self._ports()
        self.api = AirflowApi(self.ports["airflow"])
        self._variables = airflow.environment(where, self.ports["airflow"], self.ports["spark"])
        self._airflow = airflow.daemons(where, self._variables)
        self._spark = spark_server(where, self.ports["spark"])
        self._mlflow = mlflow_server.mlflow_server(where, self.ports["mlflow"])

    def running(self) -> bool:
        """Whether any of what a night needs runs."""
        return any(daemon.running() for daemon in [*self._airflow, self._spark])

    def start(self, *, with_mlflow: bool) -> None:
        """Start what does not run, and return when all of it is ready. One that had died alone is started again.

        Raises:
            ServiceError: one of them does not start.
        """
        preparation = mlflow_server.Preparation(self.state)
        _start(self._spark)
        airflow.migrate(self.state, self._variables)
        for daemon in self._airflow:
            _start(daemon)
        preparation.finish()
        if with_mlflow:
            _start(self._mlflow)
        server, scheduler, processor = self._airflow
        server.wait(self.api.answers, _START_S)
        self.api.make_pool("gpu", 1, "One slot a GPU: what trains or runs a video generator")
        for daemon in (scheduler, processor):
            daemon.wait(self.api.ready, _START_S)
        for dag in DAGS:
            self.api.unpause(dag)
        self._spark.wait(lambda: port_open(self.ports["spark"]), _START_S)
        if with_mlflow:
            self._mlflow.wait(lambda: port_open(self.ports["mlflow"]), _START_S)

    def stop(self) -> None:
        """Stop all of them; Airflow first, so that no task sees Spark go."""
        for daemon in [*reversed(self._airflow), self._mlflow, self._spark]:
            daemon.stop()
        self.state.kept.unlink(missing_ok=True)

    def addresses(self) -> dict[str, str]:
        """What a person opens in a browser."""
        return {
            name: f"http://{HOST}:{self.ports[key]}" for name, key in (("Airflow", "airflow"), ("MLflow", "mlflow"))
        }

    def _ports(self) -> dict[str, int]:
        """The ports of running services, as recorded, or else new ones: the usual where they are free."""
        record = self.state.run / "ports.json"
        names = ("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "mlflow", "spark")
        if record.is_file() and any(Daemon(name, self.state).running() for name in names):
            ports: dict[str, int] = json.loads(record.read_text())
            return ports
        ports = {name: free_port(preferred) for name, preferred in _PREFERRED.items()}
        write_json(record, ports)
        return ports


def _start(daemon: Daemon) -> None:
    if not daemon.running():
        daemon.start()


def main() -> None:
    """`up` starts the services and leaves them running; `down` stops them."""
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
