"""
### One night, from log files to recommendations

`land` checks (or simulates) the night's files; **ingest** turns them into bronze and silver tables and proves that no line
was lost; **features**, **recommend** and **ads** build on these; **publish** writes what the app and the reports read.

A night is a day in the lake's time zone (Beijing's, unless set otherwise). Every task replaces that day in the one table
that it owns, so a night may be run again at any time. Two nights may run at once: a task that needs the night
before waits for it, and fails if that night failed.

**Backfill:** `make backfill FROM=… TO=…`, or in the browser *Trigger → Backfill*:

- set the browser's time zone to the lake's first (lower left corner): a night begins at that midnight, and a range given in
  UTC misses its first night;
- *All runs* runs nights again that have succeeded;
- `source` says where logs come from (`simulator`, `landing`, or a folder), `mapping` how the files of a folder in an unknown
  layout are read; the browser passes others than the defaults on only if *Override parameters on existing runs* is ticked, and
  so for `tables`;
- `tables` (`gold.user_features,gold.interactions`) makes only these again, from what the night has: all other tasks are
  skipped, and their tables and models stand. A run keeps what was wanted of it: to make all of such a night again, tick that
  box and leave `tables` empty.

**Stale nights** (`ops.stale_days`, which the DAG of that name brings up to date): `make backfill STALE=1`, or in the browser a
backfill from the first of them to the last with *All runs*, `only_stale` and *Override parameters on existing runs* ticked, then
one of `text_to_video`. Each night waits for the one before and is passed over unless it is stale then; its logs are those
that have landed.

**When a task fails:** the last lines of its log say what is wrong and what to do. Bad data and missing input are not retried.
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
        # The form takes an empty text for a missing one.
        "mapping": Param(os.environ.get("NIGHTREEL_MAPPING") or None, type=["null", "string"]),
        "tables": Param(None, type=["null", "string"]),
        "only_stale": Param(False, type="boolean"),
    },
    tags=["ingest", "features", "recommend", "ads"],
    doc_md=__doc__,
    **OF_ALL_DAGS,
) as dag:
    with TaskGroup("ingest"):
        # Simulated users react to the recommendations of the night before. Real logs need only its books to be closed:
        # an event that came twice is a duplicate across nights, too.
        land = job_task(
            "ingest.land",
            after_previous_night=[
                "{{ 'publish.recommendations' if params.source == 'simulator' else 'ingest.reconciliation' }}"
            ],
        )
        night = DeclaredTasks(land)
        night.tables("ingest", spark=True)

    with TaskGroup("features"):
        features = night.tables("features", spark=True)

    with TaskGroup("recommend"):
        night.training("recommender", RECOMMENDERS)

    with TaskGroup("ads"):
        night.training("click_model", CLICK_MODELS)

    with TaskGroup("publish"):
        night.tables("publish")
        report = job_task("report.report")

    # What no table declares: nothing is built on a night whose books are open, and the report tells of all of it.
    reconciliation = dag.get_task("ingest.reconciliation")
    reconciliation >> features
    night.connect(dag, night_begins_after=reconciliation.task_id)
    [task for task in dag.leaves if task is not report] >> report
