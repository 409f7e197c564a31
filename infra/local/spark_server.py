"""The Spark Connect server: one JVM for all Spark jobs of a night. The jobs start fast and share one commit lock."""

import os
from collections.abc import Mapping

from infra.environment import has_account
from infra.local import job_server, lineage
from infra.local.daemon import Daemon
from infra.local.paths import State
from infra.spark import launch, user

_LISTENER = "io.openlineage.spark.agent.OpenLineageSparkListener"
_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"


def spark_server(state: State, port: int) -> Daemon:
    """Return the server as a daemon on this port."""
    listener = {
        "spark.extraListeners": _LISTENER,
        "spark.openlineage.namespace": os.environ.get("OPENLINEAGE_NAMESPACE", lineage.NAMESPACE),
    }
    workers = {"PYSPARK_PYTHON": job_server.PYTHON, "NIGHTREEL_HOME": str(state.home)}
    variables = launch.variables() | lineage.spark_environment(state) | workers
    # Daemons run in the state folder, so Spark's relative paths (warehouse, artifacts) are below it.
    return Daemon("spark", state, command(port, listener), variables)


def command(port: int, settings: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the command of a server.

    Args:
        port: its port.
        settings: Spark settings in addition to ours.
        environment: our own settings.
    """
    words = [str(launch.spark_home() / "bin" / "spark-submit"), "--name", "nightreel"]
    words += launch.submit_arguments(environment)
    for name, value in {"spark.connect.grpc.binding.port": port, **settings}.items():
        words += ["--conf", f"{name}={value}"]
    return [*words, *(["--class", _CLASS, "spark-internal"] if has_account() else [str(user.__file__)])]
