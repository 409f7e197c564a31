#!/bin/sh
# Stands in for Python in the tasks of one machine, see job_client.py.
here="${0%/*}"
exec "$here/../../.venv/bin/python" -IS "$here/job_client.py" "$@"
