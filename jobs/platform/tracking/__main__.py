"""Creates MLflow's database in the state folder, or brings it to this version: ``python -m jobs.platform.tracking``."""

from mlflow.cli import cli

from jobs.platform.settings import settings
from jobs.platform.tracking._store import client, is_empty


def main() -> None:
    """What `make up` and `make nightly` do once, before several jobs would do it at once."""
    found = settings()
    if not is_empty(found):
        cli(["db", "upgrade", found.mlflow_uri], standalone_mode=False)
    client(found)


if __name__ == "__main__":
    main()
