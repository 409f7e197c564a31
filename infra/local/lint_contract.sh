#!/usr/bin/env bash
# Lint one data contract; quiet unless it fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
output=$(.venv/bin/datacontract lint "$1" 2>&1) || { echo "$output"; echo "$1: not a valid contract" >&2; exit 1; }
