"""The Spark Connect server: one JVM for all Spark stages of a night, which then start in no time and share one commit lock."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from infra.local import lineage
from infra.local.daemon import Daemon, ServiceError
from infra.local.paths import JOBS_ENVIRONMENT, State

_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"
_LISTENER = "io.openlineage.spark.agent.OpenLineageSparkListener"


def spark_server(state: State, port: int) -> Daemon:
    """The server, on this port.

    Raises:
        ServiceError: there is no Spark in the jobs' environment.
    """
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise ServiceError("pyspark is not installed: run `make setup`")
    submit = str(Path(spec.origin).parent / "bin" / "spark-submit")
    command = [submit, "--class", _CLASS, "--name", "nightreel"]
    settings = {
        "spark.connect.grpc.binding.port": port,
        "spark.extraListeners": _LISTENER,
        "spark.openlineage.namespace": os.environ.get("OPENLINEAGE_NAMESPACE", lineage.NAMESPACE),
    }
    command += [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    # Relative paths of Spark (its warehouse, its artifacts) fall under the state folder, where daemons run.
    environment = {"PYSPARK_PYTHON": sys.executable, "SPARK_CONF_DIR": str(JOBS_ENVIRONMENT / "spark-conf")}
    environment |= lineage.spark_environment(state)
    return Daemon("spark", state, [*command, "spark-internal"], environment)
