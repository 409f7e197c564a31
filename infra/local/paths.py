"""Where this checkout and its state lie."""

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra import environment
from infra.home import state_folder

ROOT = Path(environment.ROOT)
JOBS_ENVIRONMENT = ROOT / ".venv"
AIRFLOW_ENVIRONMENT = ROOT / ".venv-airflow"
HOST = "127.0.0.1"


@dataclass(frozen=True)
class State:
    """The folders under NIGHTREEL_HOME that the services of one machine use."""

    home: Path

    @property
    def run(self) -> Path:
        """What is running: process records, ports, locks, durations."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        """What the services print."""
        return self.home / "logs"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME: its database, secrets and task logs."""
        return self.home / "airflow"

    @property
    def lineage(self) -> Path:
        """OpenLineage events."""
        return self.home / "lineage"

    @property
    def mlflow_uri(self) -> str:
        """The tracking store of the jobs."""
        return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def kept(self) -> Path:
        """A marker: a person asked for the services with `make up`, so that a night leaves them running."""
        return self.run / "kept"

    def make(self) -> None:
        """Make the folders.

        Raises:
            SystemExit: the user may not, in one line.
        """
        for folder in (self.run, self.logs, self.airflow, self.lineage):
            with suppress(PermissionError):
                folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise SystemExit(f"error: {folder} is not yours to write to; set NIGHTREEL_HOME to a folder that is")


def state() -> State:
    """The state of this checkout: NIGHTREEL_HOME, `.nightreel` unless set.

    Raises:
        SystemExit: its name cannot be used; a line on stderr says why.
    """
    try:
        return State(state_folder())
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(os.EX_USAGE) from error
