"""PostgreSQL for Airflow, Celery's results and MLflow, and Redis as Celery's broker."""

import os
import shutil
import subprocess
from pathlib import Path

from infra.cluster.network import SERVICES
from infra.cluster.settings import POSTGRES_PORT, REDIS_PORT, USER, Settings
from infra.local.daemon import Daemon, ServiceError

_DATABASES = ("airflow", "mlflow")
# PostgreSQL refuses to run as root. In a user namespace, root's files belong to another number.
_NOT_ROOT = ["unshare", "--map-user=65534", "--map-group=65534", "--"]


def postgres(settings: Settings) -> Daemon:
    """Return the database server."""
    options = {"listen_addresses": settings.services, "port": POSTGRES_PORT, "unix_socket_directories": ""}
    command = [*_NOT_ROOT, str(_programs() / "postgres"), "-D", str(_data(settings))]
    command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return Daemon("postgres", settings.state, settings.network.command(SERVICES, command))


def redis(settings: Settings) -> Daemon:
    """Return the broker. It writes each message to its disk before it acknowledges it."""
    folder = settings.state.home / "redis"
    folder.mkdir(exist_ok=True)
    command = ["redis-server", "--bind", settings.services, "--port", str(REDIS_PORT), "--dir", str(folder)]
    command += ["--requirepass", settings.password("redis"), "--appendonly", "yes", "--appendfsync", "always"]
    return Daemon("redis", settings.state, settings.network.command(SERVICES, command))


def create(settings: Settings) -> None:
    """Create the databases unless they exist.

    Raises:
        ServiceError: PostgreSQL refused.
    """
    data = _data(settings)
    if data.is_dir():
        return
    draft = data.with_name("postgres.draft")
    shutil.rmtree(draft, ignore_errors=True)
    password = settings.state.airflow / "postgres.secret"
    settings.password("postgres")
    login = ["--username", USER, "--auth", "scram-sha-256", "--pwfile", password]
    _run(["initdb", "--pgdata", draft, *login, "--encoding", "UTF8", "--locale", "C.UTF-8"])
    # One statement a line.
    _run(["postgres", "--single", "-D", draft, "postgres"], "".join(f"create database {name}\n" for name in _DATABASES))
    with (draft / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 198.18.0.0/15 scram-sha-256\n")
    os.replace(draft, data)


def _data(settings: Settings) -> Path:
    return settings.state.home / "postgres"


def _programs() -> Path:
    """Return the folder of the newest PostgreSQL that is installed, as Debian and Ubuntu install it."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if not folders:
        raise ServiceError("PostgreSQL is not installed: run make up PROFILE=cluster as root on Debian or Ubuntu")
    return folders[-1]


def _run(command: list[object], statements: str = "") -> None:
    program, *arguments = map(str, command)
    result = subprocess.run(
        [*_NOT_ROOT, str(_programs() / program), *arguments],
        input=statements,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise ServiceError(f"{program}: {result.stderr.strip().splitlines()[-1]}")
