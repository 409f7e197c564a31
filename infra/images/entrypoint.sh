#!/usr/bin/env bash
# Entry point of all images. `executor` is the command of Spark's executor pods; every other command runs as it is.
set -euo pipefail

# Secrets may be given as files, as in the official images of databases: NAME_FILE instead of NAME.
for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY MLFLOW_BACKEND_STORE_URI NIGHTREEL_PSEUDONYM_KEY; do
    file="${name}_FILE"
    if [ -n "${!file:-}" ]; then
        export "$name=$(<"${!file}")"
    fi
done

# OpenShift runs images with a user id that has no account, but Hadoop and Ivy need one. glibc finds it in a file of its own,
# so that /etc/passwd stays read-only.
if ! getent passwd "$(id -u)" >/dev/null; then
    passwd=$(mktemp) group=$(mktemp)
    echo "nightreel:x:$(id -u):$(id -g):nightreel:${HOME:-/}:/bin/false" >"$passwd"
    echo "nightreel:x:$(id -g):" >"$group"
    export NSS_WRAPPER_PASSWD="$passwd" NSS_WRAPPER_GROUP="$group" LD_PRELOAD=libnss_wrapper.so
fi

if [ "${1:-}" != executor ]; then
    exec "$@"
fi
# Spark passes the executor's settings as variables, its Java options as SPARK_JAVA_OPT_0, SPARK_JAVA_OPT_1, …
options=()
for name in $(compgen -v SPARK_JAVA_OPT_ | sort -V); do
    options+=("${!name}")
done
jars=("$(dirname "$(readlink -f "$0")")"/../../.venv/lib/python3*/site-packages/pyspark/jars)
exec java "${options[@]}" "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" \
    -cp "${SPARK_CLASSPATH:+$SPARK_CLASSPATH:}${jars[0]}/*" \
    org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
    --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" \
    --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP" \
    --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME"
