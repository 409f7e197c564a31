"""The Spark Connect server: one JVM for all Spark jobs of a night. The jobs start fast and share one commit lock."""

import os

from infra.environment import has_account
from infra.local import lineage
from infra.local.daemon import Daemon
from infra.local.paths import State
from infra.spark import launch, user

_LISTENER = "io.openlineage.spark.agent.OpenLineageSparkListener"
_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"


def spark_server(state: State, port: int) -> Daemon:
    """Return the server as a daemon on this port."""
    command = [str(launch.spark_home() / "bin" / "spark-submit"), "--name", "nightreel", *launch.submit_arguments()]
    settings = {
        "spark.connect.grpc.binding.port": port,
        "spark.extraListeners": _LISTENER,
        "spark.openlineage.namespace": os.environ.get("OPENLINEAGE_NAMESPACE", lineage.NAMESPACE),
    }
    command += [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    command += ["--class", _CLASS, "spark-internal"] if has_account() else [str(user.__file__)]
    # Daemons run in the state folder, so Spark's relative paths (warehouse, artifacts) are below it.
    return Daemon("spark", state, command, launch.variables() | lineage.spark_environment(state))
