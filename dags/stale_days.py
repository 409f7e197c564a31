"""
### List the stale nights

Daily: compares each published night with the inputs and rules that a rerun today would use, and updates `ops.stale_days`, as
`make stale` does. It does not change any night: `make backfill STALE=1` reruns the listed nights.

**When it fails:** the last lines of the log name the table that could not be read. Clear the task.
"""

import datetime as dt

from airflow.sdk import DAG

from dags._night import NIGHTLY
from dags._tasks import OF_ALL_DAGS, job_task

with DAG(
    "stale_days",
    schedule=NIGHTLY,
    max_active_runs=1,
    dagrun_timeout=dt.timedelta(hours=12),
    tags=["maintenance"],
    doc_md=__doc__,
    **OF_ALL_DAGS,
) as dag:
    job_task("backfill.stale_days")
