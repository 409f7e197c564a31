"""Creates MLflow's database in the state folder, or upgrades it to this version: ``python -m jobs.platform.tracking``."""

from mlflow.cli import cli

from jobs.platform.settings import settings
from jobs.platform.tracking._store import client, is_empty


def main() -> None:
    """Create or upgrade the database. `make up` and `make nightly` run this before several jobs use the database at once."""
    current = settings()
    if not is_empty(current):
        cli(["db", "upgrade", current.mlflow_uri], standalone_mode=False)
    client(current)


if __name__ == "__main__":
    main()
