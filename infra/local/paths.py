"""Paths of this checkout and of its state."""

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
        """Process records, ports, locks, durations."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        """Output of the services."""
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
        """MLflow tracking store of the jobs."""
        return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def kept(self) -> Path:
        """Marker file: the services were started by `make up`, so a night leaves them running."""
        return self.run / "kept"

    def make(self) -> None:
        """Create the folders.

        Raises:
            SystemExit: the user may not write to one of them.
        """
        for folder in (self.run, self.logs, self.airflow, self.lineage):
            with suppress(PermissionError):
                folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise SystemExit(
                    f"error: you cannot write to {folder}; set NIGHTREEL_HOME to a folder that you can write to"
                )


def state() -> State:
    """Return the state folder of this checkout: NIGHTREEL_HOME, by default `.nightreel`.

    Raises:
        SystemExit: its path cannot be used; the reason is printed to stderr.
    """
    try:
        return State(state_folder())
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(os.EX_USAGE) from error
