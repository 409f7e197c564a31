"""
### Keep the lake small and fast

Weekly: compacts small files (OPTIMIZE), deletes files that no kept version needs (VACUUM; versions that a live model was trained
on are kept), and deletes the days past each contract's retention.

It does not change the content of other days, so it may run at the same time as a night.

**When it fails:** the last lines of the log name the table and the reason. Clear the task; finished tables are skipped quickly.
"""

import datetime as dt

from airflow.sdk import DAG

from dags._night import WEEKLY
from dags._tasks import OF_ALL_DAGS, job_task

with DAG(
    "maintenance",
    schedule=WEEKLY,
    max_active_runs=1,
    dagrun_timeout=dt.timedelta(hours=12),
    tags=["maintenance"],
    doc_md=__doc__,
    **OF_ALL_DAGS,
) as dag:
    job_task("integrity.maintenance")
