"""The Spark session: a Spark Connect server where SPARK_REMOTE names one, otherwise a session in this process.

Settings are not made here but in `infra/spark/spark-defaults.conf` (found through SPARK_CONF_DIR), since jars and Delta's
extensions come too late once a session exists, and the tests, Airflow and the shell then share them.
"""

import os

from pyspark.sql import SparkSession


def session() -> SparkSession:
    """The session of this process; the first call makes it."""
    return SparkSession.builder.appName(os.environ.get("NIGHTREEL_RUN_ID", "nightreel")).getOrCreate()
