#!/usr/bin/env bash
# One test looks at Airflow through a browser, another slows system calls down. As root on Debian or Ubuntu this installs Chromium
# and strace; elsewhere the tests say what they miss.
set -euo pipefail

has() { command -v "$1" >/dev/null; }

missing=()
has chromium || has chromium-browser || has google-chrome || missing+=(chromium)
has strace || missing+=(strace)

for package in "${missing[@]}"; do
    if [ "$(id -u)" = 0 ] && apt-cache show "$package" >/dev/null 2>&1; then
        echo "Installing $package, for the tests"
        DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$package" >/dev/null || true
    fi
done
