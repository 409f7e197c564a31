"""The Spark session: a Spark Connect server where SPARK_REMOTE names one, otherwise a session in this process.

Settings are not made here but in `infra/spark/spark-defaults.conf`, since jars and Delta's extensions come too late once a
session exists, and the tests, Airflow and the shell then share them.
"""

import os

from pyspark import SparkContext
from pyspark.sql import SparkSession
from pyspark.sql.connect.client.retries import DefaultPolicy

from infra.environment import is_spark_application
from infra.spark import launch, user
from jobs.platform.errors import UsageError

# 17 s of a server's silence, where Spark's 15 tries are over ten minutes for each thing asked of it. A server that ended has
# lost this session with all that it held, so that asking on is of no use: the whole job has to be tried again.
_TRIES = 5


def session() -> SparkSession:
    """The session of this process; the first call makes it, and waits up to ten minutes for a server that does not answer.

    Raises:
        UsageError: it would be a session in this process, and Java is none that Spark runs on.
    """
    if not (os.environ.get("SPARK_REMOTE") or is_spark_application() or SparkContext._active_spark_context):
        _launch()
    found = SparkSession.builder.appName(os.environ.get("NIGHTREEL_RUN_ID", "nightreel")).getOrCreate()
    if os.environ.get("SPARK_REMOTE"):
        found.client.set_retry_policies([DefaultPolicy(max_retries=_TRIES)])
    return found


def _launch() -> None:
    """Start a JVM of our own Spark, for the session to be made in."""
    if (wrong := launch.fault()) is not None:
        raise UsageError(wrong)
    os.environ.update(launch.variables())
    SparkContext._ensure_initialized()
    user.log_in(SparkContext._jvm)
