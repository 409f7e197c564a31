#!/bin/sh
# Called in place of Python on one machine, see job_client.py.
here="${0%/*}"
exec "$here/../../.venv/bin/python" -IS "$here/job_client.py" "$@"
