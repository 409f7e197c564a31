"""
### Generate the videos of a night

Trains the generators that are not trained yet, waits for the night's `gold.video_requests`, counts what viewers did with the
videos of earlier nights (`gold.video_feedback`), decides with it which generator serves, splits the clips of the requests into
shards, generates each shard in pool `gpu`, lists the doubtful videos in `gold.review_queue`, and commits what became of each
request, `gold.generated_videos`, with a contact sheet.

The name of a video is a hash of everything that determines it: a rerun generates no video twice, and a killed shard continues
where it stopped. A video counts as made only if its file decodes.

**When a task fails:** the last lines of its log tell the reason. Clear the task: only missing videos are generated.
"""

import datetime as dt

from airflow.providers.standard.sensors.external_task import ExternalTaskSensor
from airflow.sdk import DAG, Param, TaskInstanceState, XComArg

from dags._declared import DeclaredTasks
from dags._night import NIGHTLY
from dags._tasks import OF_ALL_DAGS, job_per_value, job_task

# One slot per GPU (one slot for the machine if it has none): training and generation each need a whole GPU.
GPU = "gpu"
# On Kubernetes a task with this template is a pod with a GPU of its own (infra/chart). Other executors ignore it.
GPU_POD = {"pod_template_file": "/etc/nightreel/gpu.yaml"}
# A pod may be preempted at any time. The next try generates the videos that are missing.
PREEMPTIONS = 5

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
        poke_interval=20,
        timeout=dt.timedelta(hours=12).total_seconds(),
        retries=0,
    )
    train_generator = job_task("video.train_generator", pool=GPU, executor_config=GPU_POD)
    plan = job_task("video.plan", returns_json=True)
    generate = job_per_value(
        "video.generate", "--shard", XComArg(plan), pool=GPU, executor_config=GPU_POD, retries=PREEMPTIONS
    )
    videos = DeclaredTasks()
    tables = {task.task_id: task for task in videos.tables("video")}
    feedback = tables.pop("video_feedback")
    promote = videos.promotion("video_generator")

    requests >> feedback
    [feedback, train_generator] >> promote >> plan >> generate >> list(tables.values())
    videos.connect(dag)
