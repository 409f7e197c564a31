"""How Spark is launched: the installation, settings and Python of this environment, and a supported Java."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from infra.environment import has_account
from infra.spark import java

_SETTINGS = Path(sys.prefix, "spark-conf")


def fault() -> str | None:
    """Return what is missing to start Spark and what to do, in one line; None if nothing is missing."""
    if not (_SETTINGS / "spark-defaults.conf").is_file():
        return f"Spark's settings are missing in {_SETTINGS}: run `make setup`"
    return java.fault()


def spark_home() -> Path:
    """Return the folder of the Spark that is installed in this Python environment.

    Raises:
        SystemExit: Spark is not installed.
    """
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise SystemExit("pyspark is not installed in this environment: run `make setup`")
    return Path(spec.origin).parent


def variables() -> dict[str, str]:
    """Return the environment variables for `spark-submit`."""
    environment = {
        "SPARK_HOME": str(spark_home()),
        "SPARK_CONF_DIR": str(_SETTINGS),
        "PYSPARK_PYTHON": sys.executable,
        # On one machine Spark's processes talk over loopback, whatever the host name resolves to.
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    if not has_account():
        home = os.environ["HOME"].replace("\\", "\\\\").replace('"', '\\"')
        environment["SPARK_SUBMIT_OPTS"] = f'-Duser.home="{home}"'  # Java would look up the home of the account
    return environment
