#!/usr/bin/env bash
# One test looks at Airflow through a browser. As root on Debian this installs Chromium; elsewhere the test says what it misses.
set -euo pipefail

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && apt-cache show chromium >/dev/null 2>&1; then
    echo "Installing chromium, for the test of Airflow's UI"
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium >/dev/null || true
fi
