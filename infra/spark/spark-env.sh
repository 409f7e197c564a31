# Read by spark-submit and pyspark. On one machine Spark speaks to itself over loopback whatever the host's name resolves to.
export SPARK_LOCAL_IP="${SPARK_LOCAL_IP:-127.0.0.1}"
