"""
### Keeping the lake small and quick

Weekly: joins small files (OPTIMIZE), removes files that no kept version needs (VACUUM, which keeps the versions that a live
model was trained on), and drops the days past each contract's retention.

It changes no other day's content: it may run beside a night.

**When it fails:** the last lines of the log say which table and why. Clear the task: tables that are done are skipped quickly.
"""

import datetime as dt

from airflow.sdk import DAG

from dags._night import RUN_TYPES, WEEKLY, ZONE
from dags._tasks import DEFAULTS, MACROS, job

with DAG(
    "maintenance",
    schedule=WEEKLY,
    start_date=dt.datetime(2022, 1, 1, tzinfo=ZONE),
    catchup=False,
    max_active_runs=1,
    allowed_run_types=RUN_TYPES,
    dagrun_timeout=dt.timedelta(hours=12),
    default_args=DEFAULTS,
    user_defined_macros=MACROS,
    tags=["maintenance"],
    doc_md=__doc__,
) as dag:
    job("operate.maintenance", spark=True)
