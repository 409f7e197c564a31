"""How Spark is launched: the installation, settings and Python of this environment, and a supported Java.

Spark puts its configuration folder on the class path, where Java's class data sharing (see `class_archive`) allows only jars and
empty folders. So Spark gets an empty folder, and the settings by `--properties-file`.
"""

import os
import shlex
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from infra.environment import has_account
from infra.spark import java

SETTINGS = Path(sys.prefix, "spark-conf")
CLASS_ARCHIVE = Path(sys.prefix, "spark-classes.jsa")
_EMPTY = Path(sys.prefix, "spark-empty-conf")


def fault() -> str | None:
    """Return what is missing to start Spark and what to do, in one line; None if nothing is missing."""
    if not (SETTINGS / "spark-defaults.conf").is_file():
        return f"Spark's settings are missing in {SETTINGS}: run `make setup`"
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
    """Return the environment variables of `spark-submit` and of the JVM that PySpark starts."""
    _EMPTY.mkdir(exist_ok=True)
    return {
        "SPARK_HOME": str(spark_home()),
        "SPARK_CONF_DIR": str(_EMPTY),
        "PYSPARK_SUBMIT_ARGS": f"{shlex.join(submit_arguments())} pyspark-shell",
        "PYSPARK_PYTHON": sys.executable,
        # On one machine Spark's processes talk over loopback, whatever the host name resolves to.
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_SUBMIT_OPTS": " ".join(map(_quoted, _java_options())),
    }


def submit_arguments() -> list[str]:
    """Return the arguments of `spark-submit` that name our settings."""
    return ["--properties-file", str(SETTINGS / "spark-defaults.conf")]


def _java_options() -> Iterator[str]:
    yield f"-Dlog4j2.configurationFile={(SETTINGS / 'log4j2.properties').as_uri()}"
    if CLASS_ARCHIVE.is_file():
        # Java ignores an archive of another version; no warning is needed.
        yield from (f"-XX:SharedArchiveFile={CLASS_ARCHIVE}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
    if not has_account():
        yield f"-Duser.home={os.environ['HOME']}"  # Java would look up the home of the account


def _quoted(option: str) -> str:
    escaped = option.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
