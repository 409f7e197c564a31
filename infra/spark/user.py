"""Hadoop insists that the user of a process has an account. Where there is none, it is told a name, and asks no more.

Run as the application of `spark-submit`, this file is the Spark Connect server of such a user.
"""

import os
from typing import Any

from infra.environment import has_account


def log_in(jvm: Any) -> None:
    """Have Hadoop, in a JVM that has just begun, take the user of this process for somebody, if it would fail to."""
    if not has_account():
        hadoop = jvm.org.apache.hadoop.security.UserGroupInformation
        hadoop.setLoginUser(hadoop.createRemoteUser(os.environ["USER"]))


if __name__ == "__main__":
    from pyspark.java_gateway import launch_gateway

    gateway = launch_gateway()
    log_in(gateway.jvm)
    no_arguments = gateway.new_array(gateway.jvm.java.lang.String, 0)
    gateway.jvm.org.apache.spark.sql.connect.service.SparkConnectServer.main(no_arguments)
