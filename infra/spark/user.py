"""Let Spark run for a user without an account: Hadoop requires a user name, so it is given one.

As the application of `spark-submit`, this file starts the Spark Connect server for such a user.
"""

import os
from typing import Any

from infra.environment import has_account


def log_in(jvm: Any) -> None:
    """Set Hadoop's login user in a JVM that has just started, if the user of this process has no account."""
    if not has_account():
        hadoop = jvm.org.apache.hadoop.security.UserGroupInformation
        hadoop.setLoginUser(hadoop.createRemoteUser(os.environ["USER"]))


if __name__ == "__main__":
    from pyspark.java_gateway import launch_gateway

    gateway = launch_gateway()
    log_in(gateway.jvm)
    no_arguments = gateway.new_array(gateway.jvm.java.lang.String, 0)
    gateway.jvm.org.apache.spark.sql.connect.service.SparkConnectServer.main(no_arguments)
