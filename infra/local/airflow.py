"""Airflow on one machine: SQLite, LocalExecutor, loopback addresses, settings of infra/airflow/airflow.cfg."""

import os
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

from infra import durable
from infra.local import job_server, lineage
from infra.local.daemon import Daemon, ServiceError
from infra.local.paths import AIRFLOW_ENVIRONMENT, HOST, ROOT, State
from schemas.zone import zone

# Not the script `airflow`: the interpreter path in its first line must not be long or contain spaces.
COMMAND = (str(AIRFLOW_ENVIRONMENT / "bin" / "python"), "-m", "airflow")


def environment(state: State, port: int, spark_port: int) -> dict[str, str]:
    """Return the environment variables of Airflow and its tasks: the settings that are not in its configuration file.

    The operator's own database and Spark connection have precedence.
    """
    defaults = {
        # SQLite allows one writer at a time; the others wait instead of failing.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{state.airflow / 'airflow.db'}?timeout=60",
        "AIRFLOW_CONN_SPARK_DEFAULT": f"spark-connect://{HOST}:{spark_port}",
    }
    own = {name: os.environ.get(name) or default for name, default in defaults.items()}
    return own | settings(state, HOST, port) | lineage.environment(state) | {"NIGHTREEL_PYTHON": job_server.PYTHON}


def settings(state: State, host: str, port: int) -> dict[str, str]:
    """Return the settings that are the same for every database and executor.

    Args:
        state: the folders of the services.
        host: the address on which the API server listens.
        port: its port.
    """
    address = f"http://{host}:{port}"
    return {
        "NIGHTREEL_HOME": str(state.home),
        "PATH": f"{AIRFLOW_ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
        "AIRFLOW_HOME": str(state.airflow),
        "AIRFLOW_CONFIG": str(ROOT / "infra" / "airflow" / "airflow.cfg"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "infra" / "airflow" / "plugins"),
        # The default values, but Airflow would misread a `%` in AIRFLOW_HOME as interpolation.
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(state.airflow / "logs"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(state.airflow / "logs" / "dag_processor"),
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": zone().key,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__API__HOST": host,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__SECRET_KEY": secret(state, "api"),
        "AIRFLOW__API_AUTH__JWT_SECRET": secret(state, "jwt"),
        **_metrics(),
    }


def daemons(state: State, variables: dict[str, str]) -> list[Daemon]:
    """Return Airflow's processes. The API server is first, because the others and all tasks connect to it."""
    return [
        # It answers its last requests, and then spends seconds freeing its memory object by object.
        Daemon("airflow-api-server", state, [*COMMAND, "api-server"], variables, grace_s=1),
        Daemon("airflow-scheduler", state, [*COMMAND, "scheduler", "--skip-serve-logs"], variables),
        Daemon("airflow-dag-processor", state, [*COMMAND, "dag-processor"], variables),
    ]


def migrate(state: State, variables: dict[str, str], *further: Sequence[str]) -> None:
    """Create Airflow's database or migrate it to the installed version, if necessary.

    Args:
        state: the folders of the services.
        variables: Airflow's environment variables.
        further: arguments of further commands of Airflow, which prepare the database for use.

    Raises:
        ServiceError: the migration failed.
    """
    stamp = state.airflow / "database.version"
    (installed,) = AIRFLOW_ENVIRONMENT.glob("lib/python*/site-packages/apache_airflow_core-*.dist-info")
    if stamp.is_file() and stamp.read_text() == installed.name:
        return
    environment = {**os.environ, **variables}
    for arguments in (["db", "migrate"], *further):
        command = [*COMMAND, *arguments]
        result = subprocess.run(command, env=environment, cwd=state.run, capture_output=True, text=True, check=False)
        if result.returncode:
            log = state.logs / "airflow-migration.log"
            log.write_text(result.stdout + result.stderr)
            raise ServiceError(f"Airflow's database cannot be migrated; see {log}")
    durable.write(stamp, installed.name)


def _metrics() -> dict[str, str]:
    """Return the settings that send Airflow's metrics to the collector, if the operator has set one."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return {}
    # Each task sends its metrics when it ends; without a timeout it would try for 10 s to reach a collector that is down.
    return {"AIRFLOW__METRICS__OTEL_ON": "True", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}


def secret(state: State, name: str) -> str:
    """Return a random secret of 64 hexadecimal digits. It is created once, readable only by its owner."""
    path: Path = state.airflow / f"{name}.secret"
    if not path.is_file():
        durable.write(path, secrets.token_hex(32), mode=0o600)
    return path.read_text()
