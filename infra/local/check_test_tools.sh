#!/usr/bin/env bash
# Install Chromium, strace and promtool if they are missing, as root on Debian or Ubuntu: one test opens Airflow in a browser, others
# slow down system calls or fire alerts. Elsewhere those tests report what is missing.
set -euo pipefail

has() { command -v "$1" >/dev/null; }

missing=()
has chromium || has chromium-browser || has google-chrome || missing+=(chromium)
has strace || missing+=(strace)
has promtool || missing+=(prometheus)

for package in "${missing[@]}"; do
    if [ "$(id -u)" = 0 ] && apt-cache show "$package" >/dev/null 2>&1; then
        echo "Installing $package, for the tests"
        DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$package" >/dev/null || true
    fi
done
