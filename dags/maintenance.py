"""
### Keeping the lake small and quick

Weekly: joins small files (OPTIMIZE), removes files that no kept version needs (VACUUM, which keeps the versions that a live
model was trained on), and drops the days past each contract's retention.

It changes no other day's content: it may run beside a night.

**When it fails:** the last lines of the log say which table and why. Clear the task: tables that are done are skipped quickly.
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
    job_task("integrity.maintenance", spark=True)
