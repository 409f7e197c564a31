"""The Spark session: on the Spark Connect server that SPARK_REMOTE names, otherwise in this process.

Spark's settings are in `infra/spark/*.conf`, not here: jars and Delta's extensions must be set before a session exists, and
tests, Airflow and the shell share these files.
"""

import os

from pyspark import SparkContext
from pyspark.sql import SparkSession
from pyspark.sql.connect.client.retries import DefaultPolicy

from infra.environment import is_spark_application
from infra.spark import launch, user
from jobs.platform.errors import UsageError

# Five retries give up after 17 s without an answer; Spark's default of 15 takes over ten minutes for each request. A server that
# ended has lost this session and its state, so further retries are useless: the whole job has to be retried.
_MAX_RETRIES = 5


def session() -> SparkSession:
    """Return the session of this process.

    The first call creates it, and waits up to ten minutes for a server that does not answer.

    Raises:
        UsageError: without a server, the installed Java cannot run Spark.
    """
    if not (os.environ.get("SPARK_REMOTE") or is_spark_application() or SparkContext._active_spark_context):
        _launch()
    spark = SparkSession.builder.appName(os.environ.get("NIGHTREEL_RUN_ID", "nightreel")).getOrCreate()
    if os.environ.get("SPARK_REMOTE"):
        spark.client.set_retry_policies([DefaultPolicy(max_retries=_MAX_RETRIES)])
    return spark


def _launch() -> None:
    """Start a JVM with our own Spark, in which the session is then created."""
    if (problem := launch.fault()) is not None:
        raise UsageError(problem)
    os.environ.update(launch.variables())
    SparkContext._ensure_initialized()
    user.log_in(SparkContext._jvm)
