"""
### Which nights are out of date

Daily: compares each published night with what a run of now would read and with the rules of now, and brings `ops.stale_days` up
to date, as `make stale` does by hand. It changes no night: `make backfill STALE=1` redoes those that are listed.

**When it fails:** the last lines of the log say which table could not be read. Clear the task.
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
