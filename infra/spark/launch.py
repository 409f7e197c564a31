"""How Spark is launched: the installation, settings and Python of this environment, and a supported Java.

NIGHTREEL_SPARK_MASTER is the URL of the cluster whose executors do the work (`spark://…`, `yarn`, `k8s://…`). The driver runs in
the process of the job. Without it, Spark runs in that process alone.

Spark puts its configuration folder on the class path, where Java's class data sharing (see `class_archive`) allows only jars and
empty folders. So Spark gets an empty folder, and the settings by `--properties-file`.
"""

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from infra.environment import ROOT, has_account
from infra.spark import java

SETTINGS = Path(sys.prefix, "spark-conf")
CLASS_ARCHIVE = Path(sys.prefix, "spark-classes.jsa")
_MASTER = "NIGHTREEL_SPARK_MASTER"
_EMPTY = Path(sys.prefix, "spark-empty-conf")


def fault() -> str | None:
    """Return what is missing to start Spark and what to do, in one line; None if nothing is missing."""
    if not (SETTINGS / "spark-defaults.conf").is_file():
        return f"Spark's settings are missing in {SETTINGS}: run `make setup`"
    try:
        _own_settings(os.environ)
    except ValueError as error:
        return str(error)
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


def variables(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment variables of `spark-submit` and of the JVM that PySpark starts.

    Args:
        environment: our own settings.
    """
    _EMPTY.mkdir(exist_ok=True)
    # On one machine Spark's processes talk over loopback, whatever the host name resolves to.
    address = {} if environment.get(_MASTER) else {"SPARK_LOCAL_IP": "127.0.0.1"}
    return address | {
        "SPARK_HOME": str(spark_home()),
        "SPARK_CONF_DIR": str(_EMPTY),
        "PYSPARK_SUBMIT_ARGS": f"{shlex.join(submit_arguments(environment))} pyspark-shell",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_SUBMIT_OPTS": " ".join(map(_quoted, _java_options())),
    }


def submit_arguments(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the arguments of `spark-submit` that name the cluster and our settings.

    Args:
        environment: our own settings.

    Raises:
        ValueError: the file NIGHTREEL_SPARK_CONF cannot be used.
    """
    master = environment.get(_MASTER)
    arguments = ["--properties-file", str(SETTINGS / ("cluster.conf" if master else "spark-defaults.conf"))]
    if master:
        # The executors' image has the project at the same path.
        arguments += ["--master", master, "--conf", f"spark.executorEnv.PYTHONPATH={ROOT}"]
    for name, value in (_store_settings(environment) | _own_settings(environment)).items():
        arguments += ["--conf", f"{name}={value}"]
    return arguments


def _store_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of S3A for the store that delta-rs and Arrow find by AWS_ENDPOINT_URL. Spark itself reads the keys."""
    endpoint = environment.get("AWS_ENDPOINT_URL")
    if not endpoint:
        return {}
    return {
        "spark.hadoop.fs.s3a.endpoint": endpoint,
        "spark.hadoop.fs.s3a.endpoint.region": environment.get("AWS_REGION", "us-east-1"),
        # Stores other than AWS usually have no domain for each bucket.
        "spark.hadoop.fs.s3a.path.style.access": "true",
    }


def _own_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in the file NIGHTREEL_SPARK_CONF, which has the format of spark-defaults.conf."""
    path = environment.get("NIGHTREEL_SPARK_CONF")
    if not path:
        return {}
    try:
        lines = [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise ValueError(f"NIGHTREEL_SPARK_CONF={path} cannot be read: {error.strerror}") from error
    return dict(_setting(path, line) for line in lines if line and not line.startswith("#"))


def _setting(path: str, line: str) -> tuple[str, str]:
    match = re.fullmatch(r"(spark\.[^\s=]+)(?:\s*=\s*|\s+)(.+)", line)
    if match is None:
        raise ValueError(f"NIGHTREEL_SPARK_CONF={path}: {line!r} is not a setting, `spark.name value`")
    return match[1], match[2]


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
