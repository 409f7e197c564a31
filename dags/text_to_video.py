"""
### The night's generated videos

Waits for the night's `gold.video_requests`, trains the generator where no trained one is there yet, cuts the requests into
shards, generates each shard in pool `gpu`, and commits one manifest, `gold.generated_videos`, with a contact sheet.

A video's name is a hash of all that determines it: running a night again makes nothing twice, and a shard that was killed
goes on where it was. A row of the manifest exists only for a file that decodes.

**When a task fails:** the last lines of its log say what is wrong. Clear it: only what is missing is generated.
"""

import datetime as dt

from airflow.providers.standard.sensors.external_task import ExternalTaskSensor
from airflow.sdk import DAG, Param, TaskInstanceState, XComArg

from dags._declared import DeclaredTasks
from dags._night import NIGHTLY
from dags._tasks import OF_ALL_DAGS, job_per_value, job_task

# One slot a GPU (or, without one, for the machine): training and generation both need it whole.
GPU = "gpu"

with DAG(
    "text_to_video",
    schedule=NIGHTLY,
    max_active_runs=2,
    dagrun_timeout=dt.timedelta(hours=24),
    params={"only_stale": Param(False, type="boolean")},
    tags=["video"],
    doc_md=__doc__,
    **OF_ALL_DAGS,
) as dag:
    requests = ExternalTaskSensor(
        task_id="requests",
        external_dag_id="nightly",
        external_task_id="publish.video_requests",
        allowed_states=[TaskInstanceState.SUCCESS, TaskInstanceState.SKIPPED],
        failed_states=[TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED],
        mode="reschedule",
        poke_interval=10,
        timeout=dt.timedelta(hours=12).total_seconds(),
        retries=0,
    )
    train_generator = job_task("video.train_generator", pool=GPU)
    plan = job_task("video.plan", returns_json=True)
    generate = job_per_value("video.generate", "--shard", XComArg(plan), pool=GPU)
    videos = DeclaredTasks()
    generated_videos = videos.tables("video")

    requests >> train_generator >> plan >> generate >> generated_videos
    videos.connect(dag)
