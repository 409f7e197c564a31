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

from dags._night import NIGHTLY
from dags._tasks import OF_ALL_DAGS, job

RECOMMENDERS = ("als", "pure_svd", "item_knn", "ease", "content_based", "popularity")
CLICK_MODELS = ("logistic_regression", "dcn_v2")

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
        land = job(
            "ingest.land",
            after_yesterday=[
                "{{ 'publish.recommendations' if params.source == 'simulator' else 'ingest.reconciliation' }}"
            ],
        )
        behavior_log = job("ingest.behavior_log", writes=["bronze.behavior_log"], spark=True)
        behavior_events = job("ingest.behavior_events", writes=["silver.behavior_events"], spark=True)
        quarantine = job("ingest.quarantine", writes=["silver.quarantine"], spark=True)
        reconciliation = job("ingest.reconciliation", writes=["ops.reconciliation"], spark=True)
        users = job("ingest.users", writes=["silver.users"], spark=True)
        videos = job("ingest.videos", writes=["silver.videos"], spark=True)
        campaigns = job("ingest.campaigns", writes=["silver.campaigns"], spark=True)
        watch_history = job("ingest.watch_history", writes=["silver.watch_history"], spark=True)

        land >> [behavior_log, users, videos, campaigns, watch_history]
        behavior_log >> [behavior_events, quarantine] >> reconciliation
        [users, videos, campaigns] >> reconciliation

    with TaskGroup("features"):
        user_features = job("features.user_features", writes=["gold.user_features"], spark=True)
        video_features = job("features.video_features", writes=["gold.video_features"], spark=True)
        interactions = job("features.interactions", writes=["gold.interactions"], spark=True)
        # An impression is described by what was known the evening before.
        ctr_examples = job(
            "features.ctr_examples",
            writes=["gold.ctr_examples"],
            spark=True,
            after_yesterday=["features.user_features", "features.video_features", "features.ctr_examples"],
        )

        reconciliation >> [user_features, video_features, interactions, ctr_examples]
        videos >> [user_features, video_features, ctr_examples]
        users >> ctr_examples
        watch_history >> interactions

    with TaskGroup("recommend"):
        recommenders = [job("recommend.train", "--model", name, task_id=f"train_{name}") for name in RECOMMENDERS]
        promote_recommender = job("recommend.promote", after_yesterday=["recommend.promote"])

        for recommender in recommenders:
            [interactions, videos] >> recommender
        recommenders >> promote_recommender

    with TaskGroup("ads"):
        click_models = [job("ads.train", "--model", name, task_id=f"train_{name}") for name in CLICK_MODELS]
        promote_click_model = job("ads.promote", after_yesterday=["ads.promote"])

        ctr_examples >> click_models >> promote_click_model

    with TaskGroup("publish"):
        recommendations = job("recommend.recommendations", writes=["gold.recommendations"])
        audience_segments = job("ads.audience_segments", writes=["gold.audience_segments"])
        video_requests = job("video.requests", task_id="video_requests", writes=["gold.video_requests"])
        report = job("operate.report")

        [promote_recommender, users] >> recommendations
        [promote_click_model, user_features, video_features, users, campaigns] >> audience_segments
        [user_features, video_features] >> video_requests
        [quarantine, recommendations, audience_segments, video_requests] >> report
