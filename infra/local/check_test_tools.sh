#!/usr/bin/env bash
# Install what is missing for tests, as root on Debian or Ubuntu: Chromium opens Airflow, strace slows down system calls,
# libnss-wrapper gives an account to a user without one, as in the images, and promtool fires alerts. Elsewhere those tests report
# what is missing.
set -euo pipefail

has() { command -v "$1" >/dev/null; }

missing=()
has chromium || has chromium-browser || has google-chrome || missing+=(chromium)
has strace || missing+=(strace)
ldconfig -p | grep -q libnss_wrapper || missing+=(libnss-wrapper)
has promtool || missing+=(prometheus)

for package in "${missing[@]}"; do
    if [ "$(id -u)" = 0 ] && apt-cache show "$package" >/dev/null 2>&1; then
        echo "Installing $package, for the tests"
        DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$package" >/dev/null || true
    fi
done
