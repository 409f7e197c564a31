#!/usr/bin/env bash
# Check what the services of a cluster need beside the locks: Redis, PostgreSQL, network namespaces, and Go to build the S3 server.
# As root on Debian or Ubuntu the script installs what is missing; otherwise it fails with one line that gives the command to run.
set -euo pipefail

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
command -v ip >/dev/null || missing+=(iproute2)

if [ "${#missing[@]}" -gt 0 ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "the cluster needs ${missing[*]}; install them with: sudo apt-get install ${missing[*]}" >&2
        exit 1
    fi
    echo "Installing ${missing[*]}"
    apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
fi
if ! go version >/dev/null 2>&1; then
    echo "the cluster's S3 server is built with Go 1.21 or newer, which is not on the PATH: see https://go.dev/doc/install" >&2
    exit 1
fi
