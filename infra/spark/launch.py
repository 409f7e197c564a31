"""What a Spark of ours is launched with: this environment's own, its settings, its Python, and a Java that is fit."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from infra.environment import has_account
from infra.spark import java

_SETTINGS = Path(sys.prefix, "spark-conf")


def fault() -> str | None:
    """What is missing here for Spark to start, in one line that says what to do; None where nothing is."""
    if not (_SETTINGS / "spark-defaults.conf").is_file():
        return f"Spark's settings are not in {_SETTINGS}: run `make setup`"
    return java.fault()


def spark_home() -> Path:
    """The folder of the Spark that is installed beside this Python.

    Raises:
        SystemExit: there is none.
    """
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise SystemExit("pyspark is not installed in this environment: run `make setup`")
    return Path(spec.origin).parent


def variables() -> dict[str, str]:
    """What `spark-submit` is told by its environment."""
    found = {
        "SPARK_HOME": str(spark_home()),
        "SPARK_CONF_DIR": str(_SETTINGS),
        "PYSPARK_PYTHON": sys.executable,
        # On one machine Spark speaks to itself over loopback whatever the host's name resolves to.
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    if not has_account():
        home = os.environ["HOME"].replace("\\", "\\\\").replace('"', '\\"')
        found["SPARK_SUBMIT_OPTS"] = f'-Duser.home="{home}"'  # Java would ask for the account's
    return found
