"""Airflow for a team: PostgreSQL, Celery, users with roles, and the logs of tasks in the object store."""

from dataclasses import replace

from infra.cluster.network import SERVICES
from infra.cluster.settings import AIRFLOW_PORT, USERS, Settings
from infra.local import airflow, job_server
from infra.local.airflow_api import AirflowApi
from infra.local.daemon import Daemon

ADMIN = "admin"


def variables(settings: Settings) -> dict[str, str]:
    """Return the environment variables of all Airflow processes."""
    common = airflow.settings(settings.state, settings.services, AIRFLOW_PORT)
    return common | settings.of_airflow() | {"NIGHTREEL_PYTHON": job_server.PYTHON}


def daemons(settings: Settings) -> list[Daemon]:
    """Return the processes: API server, scheduler and DAG processor on one machine, the Celery worker on another.

    The worker's machine also has a job server, in whose forks the jobs of its tasks run.
    """
    environment = variables(settings)
    scheduling = airflow.daemons(settings.state, environment)
    worker = Daemon("airflow-worker", settings.state, [*airflow.COMMAND, "celery", "worker"], environment)
    working = [worker, job_server.job_server(settings.state, environment)]
    return [
        *(_on(settings, SERVICES, daemon) for daemon in scheduling),
        *(_on(settings, "jobs-1", daemon) for daemon in working),
    ]


def api(settings: Settings) -> AirflowApi:
    """Return a client of the API server, which acts as the administrator."""
    return AirflowApi(f"http://{settings.services}:{AIRFLOW_PORT}", (ADMIN, settings.password(ADMIN)))


def create_database(settings: Settings) -> None:
    """Create or migrate Airflow's database, and create the administrator.

    Raises:
        ServiceError: a command failed.
    """
    options = {
        "username": ADMIN,
        "firstname": ADMIN,
        "lastname": USERS[ADMIN],
        "email": f"{ADMIN}@nightreel.invalid",
        "role": USERS[ADMIN],
        "password": settings.password(ADMIN),
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    airflow.migrate(settings.state, variables(settings), ["users", "create", *words])


def create_users(settings: Settings, client: AirflowApi) -> None:
    """Create the users of the demonstration. Their passwords are in the files NAME.secret."""
    for name, role in USERS.items():
        client.create_user(name, settings.password(name), role)


def _on(settings: Settings, machine: str, daemon: Daemon) -> Daemon:
    return replace(daemon, command=settings.network.command(machine, daemon.command))
