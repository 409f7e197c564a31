"""The services that run nights, of one machine or of a cluster: ``python -m infra.services up|down [local|cluster]``."""

import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from infra.local.airflow_api import DAGS, AirflowApi
from infra.local.daemon import Daemon, ServiceError
from infra.local.paths import State, state
from schemas.zone import UnknownZone, zone

START_S = 180.0
"""Seconds in which a service must be ready."""
_FOLDERS = {"local": "", "cluster": "cluster"}
"""Profile -> its folder below NIGHTREEL_HOME."""


class Services(ABC):
    """The services of one state folder."""

    state: State
    api: AirflowApi

    @property
    @abstractmethod
    def daemons(self) -> Sequence[Daemon]:
        """The services that a night needs, in the order in which they are started."""

    @property
    def optional(self) -> Sequence[Daemon]:
        """Further services, which `make up` starts."""
        return ()

    @property
    def settings(self) -> Mapping[str, str]:
        """The variables of every command that works on the lake of these services."""
        return {}

    @property
    def spark_environment(self) -> Mapping[str, str]:
        """The variables of a job whose Spark work is done by the services."""
        return {}

    @abstractmethod
    def start(self, *, complete: bool) -> None:
        """Start the services that are not running, and return when all are ready.

        Args:
            complete: if True, also start the optional ones.

        Raises:
            ServiceError: a service does not start, or something that it needs is not installed.
        """

    @abstractmethod
    def addresses(self) -> Mapping[str, str]:
        """Return what the user can open, by name."""

    @abstractmethod
    def log_of(self, task: Mapping[str, Any]) -> str:
        """Return where the user finds the log of a task instance."""

    def running(self) -> bool:
        """True if any service is running."""
        return any(daemon.running() for daemon in [*self.daemons, *self.optional])

    def restart_dead(self) -> list[str]:
        """Restart the services that have died and return their names. Airflow retries the tasks that died with them."""
        dead = [daemon for daemon in self.daemons if not daemon.running()]
        for daemon in dead:
            daemon.start()
        return [daemon.name for daemon in dead]

    def stop(self) -> None:
        """Stop all services in reverse order, so that no service loses another one that it needs."""
        for daemon in reversed([*self.daemons, *self.optional]):
            daemon.stop()
        self.state.kept.unlink(missing_ok=True)

    def accept_nights(self) -> None:
        """Wait until Airflow can run all DAGs, and let their runs start."""
        self.api.create_pool("gpu", 1, "One slot per GPU, for tasks that train or run a video generator")
        for daemon in self.daemons:
            if daemon.name.startswith("airflow-"):
                daemon.wait(self.api.ready, START_S)
        for dag in DAGS:
            self.api.unpause(dag)


def of_profile(name: str) -> Services:
    """Return the services of a profile: `local` (one machine, the default) or `cluster`.

    Raises:
        ServiceError: there is no such profile.
    """
    profile = name or "local"
    if profile not in _FOLDERS:
        raise ServiceError(f"PROFILE={name}: there is no such profile; use {' or '.join(_FOLDERS)}")
    services: Services = import_module(f"infra.{profile}.services").of_folder(_folder(profile))
    return services


def _folder(profile: str) -> State:
    return State(state().home / _FOLDERS[profile])


def start_daemon(daemon: Daemon) -> None:
    """Start a service unless it runs."""
    if not daemon.running():
        daemon.start()


def main() -> None:
    """`up` starts the services and leaves them running; `down` stops them, by default those of every profile."""
    try:
        zone()  # check it before anything is created
    except UnknownZone as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(os.EX_USAGE) from error
    command, profile = sys.argv[1], "".join(sys.argv[2:])
    try:
        if command == "down":
            for name in [profile] if profile else _FOLDERS:
                if _folder(name).run.is_dir():
                    of_profile(name).stop()
            return
        started = time.monotonic()
        services = of_profile(profile)
        services.start(complete=True)
    except ServiceError as error:
        raise SystemExit(f"error: {error}") from error
    services.state.kept.touch()
    print(f"Ready in {time.monotonic() - started:.0f} s; `make down` stops it")
    for name, address in services.addresses().items():
        print(f"  {name:8} {address}")


if __name__ == "__main__":
    main()
