#!/usr/bin/env bash
# Check the requirements that no lock file covers: Python 3.11-3.13 with venv, and Java 17 or 21. As root on Debian or Ubuntu the
# script installs what is missing; otherwise it fails with one line that gives the command to run.
set -euo pipefail

python="${PYTHON:-python3}"

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install() {
    echo "Installing $*"
    apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

# Debian 12 and Ubuntu have Java 17. Debian 13 starts at Java 21, which Spark 4 supports as well.
java_package() {
    for version in 17 21; do
        if apt-cache show "openjdk-$version-jre-headless" >/dev/null 2>&1; then
            echo "openjdk-$version-jre-headless"
            return
        fi
    done
    echo openjdk-17-jre-headless
}

if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
    echo "'$python' is not Python 3.11, 3.12 or 3.13; give another one with: make PYTHON=python3.12 ..." >&2
    exit 1
fi

if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    can_install && install "$package"
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        echo "Python's venv module is missing; install it with: sudo apt-get install $package" >&2
        exit 1
    fi
fi

if [ -z "${JAVA_HOME:-}" ] && can_install && ! "$python" -m infra.spark.java 2>/dev/null; then
    apt-get -qq update
    install "$(java_package)"
fi
"$python" -m infra.spark.java
