"""How our Spark is launched: the installation of this environment, its settings, its Python, and a supported Java.

Spark puts its configuration folder on the class path, where Java's class data sharing (see `class_archive`) allows only jars and
empty folders. So Spark is given an empty one, and the settings by name.
"""

import os
import shlex
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from infra.environment import has_account
from infra.spark import java

LINEAGE_LISTENER = "io.openlineage.spark.agent.OpenLineageSparkListener"
SETTINGS = Path(sys.prefix, "spark-conf")
CLASS_ARCHIVE = Path(sys.prefix, "spark-classes.jsa")
_EMPTY = Path(sys.prefix, "spark-empty-conf")


def fault() -> str | None:
    """What is missing here for Spark to start, in one line that says what to do; None where nothing is."""
    if not (SETTINGS / "spark-defaults.conf").is_file():
        return f"Spark's settings are not in {SETTINGS}: run `make setup`"
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
    """Return the environment variables of `spark-submit` and of the JVM that PySpark starts."""
    _EMPTY.mkdir(exist_ok=True)
    return {
        "SPARK_HOME": str(spark_home()),
        "SPARK_CONF_DIR": str(_EMPTY),
        "PYSPARK_SUBMIT_ARGS": f"{shlex.join(settings())} pyspark-shell",
        "PYSPARK_PYTHON": sys.executable,
        # On one machine Spark speaks to itself over loopback whatever the host's name resolves to.
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_SUBMIT_OPTS": " ".join(map(_quoted, _java_options())),
    }


def settings() -> list[str]:
    """Return the arguments of `spark-submit` that name our settings."""
    return ["--properties-file", str(SETTINGS / "spark-defaults.conf")]


def _java_options() -> Iterator[str]:
    yield f"-Dlog4j2.configurationFile={(SETTINGS / 'log4j2.properties').as_uri()}"
    if CLASS_ARCHIVE.is_file():
        # An archive of another Java is ignored; Java need not warn of that.
        yield from (f"-XX:SharedArchiveFile={CLASS_ARCHIVE}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
    if not has_account():
        yield f"-Duser.home={os.environ['HOME']}"  # Java would ask for the account's


def _quoted(option: str) -> str:
    escaped = option.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
