"""
### One night, from log files to recommendations

`land` checks (or simulates) the night's files; **ingest** turns them into bronze and silver tables and checks that no line
was lost; **features**, **recommend** and **ads** build on these tables; **publish** writes the tables that the app and the
reports read.

A night is a day in the lake's time zone (Asia/Shanghai by default). Every task replaces that day in its one table, so a night
may be rerun at any time. Two nights may run at once: a task that needs the previous night waits for it, and fails if that night
failed.

**Backfill:** `make backfill FROM=… TO=…`, or in the browser *Trigger → Backfill*:

- First set the browser's time zone to the lake's time zone (lower left corner): a night begins at that midnight, and a range
  given in UTC misses its first night.
- *All runs* also reruns nights that have succeeded.
- `source` is where the logs come from (`simulator`, `landing`, or a folder); `mapping` tells how to read the files of a folder in
  an unknown layout. The browser passes values other than the defaults, also of `tables`, only if *Override parameters on existing
  runs* is ticked.
- `tables` (`gold.user_features,gold.video_features`) makes only these tables again, from the existing inputs of the night. All
  other tasks are skipped, and their tables and models stay as they are. A run keeps its `tables`: to rerun such a night
  completely, tick that box and leave `tables` empty.

**Stale nights** (`ops.stale_days`, updated by the DAG `stale_days`): `make backfill STALE=1`, or in the browser a backfill from
the first stale night to the last with *All runs*, `only_stale` and *Override parameters on existing runs* ticked, then the same
for `text_to_video`. Each night waits for the previous one and is skipped if it is not stale by then. It reads the files that have
landed.

**When a task fails:** the last lines of its log tell the reason and what to do. Bad data and missing input are not retried.
"""

import datetime as dt
import os

from airflow.sdk import DAG, Param, TaskGroup

from dags._declared import DeclaredTasks
from dags._night import NIGHTLY
from dags._tasks import OF_ALL_DAGS, job_task
from models.ads.registry import CLICK_MODELS
from models.recommend.registry import RECOMMENDERS

with DAG(
    "nightly",
    schedule=NIGHTLY,
    max_active_runs=2,
    dagrun_timeout=dt.timedelta(hours=24),
    params={
        "source": Param(os.environ.get("NIGHTREEL_SOURCE", "simulator"), type="string", minLength=1),
        # The form treats an empty string as missing.
        "mapping": Param(os.environ.get("NIGHTREEL_MAPPING") or None, type=["null", "string"]),
        "tables": Param(None, type=["null", "string"]),
        "only_stale": Param(False, type="boolean"),
    },
    tags=["ingest", "features", "recommend", "ads"],
    doc_md=__doc__,
    **OF_ALL_DAGS,
) as dag:
    with TaskGroup("ingest"):
        # Simulated users react to the recommendations of the previous night. Real logs only need its row counts to be checked,
        # because events are deduplicated across nights.
        land = job_task(
            "ingest.land",
            after_previous_night=[
                "{{ 'publish.recommendations' if params.source == 'simulator' else 'ingest.reconciliation' }}"
            ],
        )
        night = DeclaredTasks(land)
        night.tables("ingest")

    with TaskGroup("features"):
        features = night.tables("features")

    with TaskGroup("recommend"):
        night.training("recommender", RECOMMENDERS)

    with TaskGroup("ads"):
        night.training("click_model", CLICK_MODELS)

    with TaskGroup("publish"):
        night.tables("publish")
        report = job_task("report.report")

    # Edges that no table declares: features wait for the check of the night's row counts, and the report waits for everything.
    reconciliation = dag.get_task("ingest.reconciliation")
    reconciliation >> features
    night.connect(dag, night_begins_after=reconciliation.task_id)
    [task for task in dag.leaves if task is not report] >> report
