"""The one factory of tasks: how a stage runs here, and what all tasks have in common."""

import datetime as dt
import logging
from collections.abc import Sequence
from functools import cache
from typing import Any

from airflow.sdk import Asset, BaseHook, BaseOperator, Connection, Context, TriggerRule, XComArg
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException, AirflowSkipException

from dags._job_operator import PYTHON, ROOT, JobOperator
from dags._night import RUN_TYPES, ZONE, night, refuse_manual_run
from dags._stale_filter import skip_unless_stale
from schemas.dependencies import made_by

_log = logging.getLogger(__name__)
SPARK_CONNECTION = "spark_default"
# Stale nights are run again from what has landed, wherever that came from.
_LOGS = {
    "NIGHTREEL_SOURCE": "{{ 'landing' if params.get('only_stale') else params.get('source', '') }}",
    "NIGHTREEL_MAPPING": "{{ '' if params.get('only_stale') else params.get('mapping') or '' }}",
}


def say_what_to_do(context: Context) -> None:
    """Leave, at the end of a failed task's log, what happened and how to go on."""
    task = context["ti"]
    day = night(context["logical_date"])
    advice = "When the reason is gone, clear the task in the UI (what follows it runs again too)"
    if source := context["params"].get("source"):
        mapping = f" MAPPING={name}" if (name := context["params"].get("mapping")) else ""
        advice += f", or run the night again: make backfill FROM={day} TO={day} SOURCE={source}{mapping}"
    _log.error("%s failed for %s: %s\n%s", task.task_id, day, context.get("exception"), advice)


def begin(context: Context) -> None:
    """What every task asks before it runs: whether the run may, and whether this task's table is wanted of it.

    Raises:
        AirflowFailException: the run was started by hand, or its parameter `tables` names one that no task writes.
        AirflowSkipException: the parameter names others. What the task has made of the night before stands.
        DownstreamTasksSkipped: only a stale night was to be run.
    """
    refuse_manual_run(context)
    skip_unless_stale(context)
    wanted = {name.strip() for name in (context["params"].get("tables") or "").split(",") if name.strip()}
    task, dag = context["task"], context["dag"]
    if unknown := wanted - {asset.name for other in dag.tasks for asset in other.outlets}:
        raise AirflowFailException(f"tables: no task of {dag.dag_id} writes {', '.join(sorted(unknown))}")
    if wanted and wanted.isdisjoint(asset.name for asset in task.outlets):
        raise AirflowSkipException(f"this run was to make {', '.join(sorted(wanted))} only, by its parameter `tables`")


_DEFAULTS: dict[str, Any] = {
    "owner": "nightreel",
    "retries": 2,
    "retry_delay": dt.timedelta(seconds=20),
    "retry_exponential_backoff": True,
    "execution_timeout": dt.timedelta(hours=2),
    "pre_execute": begin,
    "trigger_rule": TriggerRule.NONE_FAILED,  # what is not wanted of a run is skipped, and holds nothing up
    "on_failure_callback": say_what_to_do,
}

OF_ALL_DAGS: dict[str, Any] = {
    "start_date": dt.datetime(2022, 1, 1, tzinfo=ZONE),
    "catchup": False,
    "allowed_run_types": RUN_TYPES,
    "default_args": _DEFAULTS,
    "user_defined_macros": {"night": night},
}
"""What every DAG is given beside its own arguments."""


def table(name: str) -> Asset:
    """The asset of a table of the lake, e.g. `gold.recommendations`."""
    return Asset(name, uri=f"x-lake://{name.replace('.', '/')}")


@cache
def spark_connection() -> Connection | None:
    """Where Spark runs: a Connect server (type `spark_connect`), a cluster (type `spark`), or, if None, in each job's process."""
    try:
        return BaseHook.get_connection(SPARK_CONNECTION)
    except AirflowNotFoundException:
        return None


def job_task(module: str, *arguments: str, spark: bool = False, **options: Any) -> BaseOperator:
    """A task that runs `python -m jobs.MODULE ARGUMENTS --date NIGHT`. Its outlets are the tables whose contracts name the job.

    Args:
        module: the job, below `jobs`.
        arguments: its own arguments.
        spark: whether it is a Spark stage, to be submitted where Spark is a cluster.
        options: of the operator; `task_id` is the module's name unless given.
    """
    options.setdefault("task_id", module.rpartition(".")[2])
    options["outlets"] = [table(name) for name in made_by(module)]
    connection = spark_connection()
    on_cluster = connection is not None and connection.conn_type == "spark"
    if on_cluster and spark:
        return _submitted(module, arguments, options)
    environment = dict(_LOGS)
    if connection is not None and not on_cluster:
        # Also for what is no Spark stage: its one write then goes through the server, not through a JVM of its own.
        environment["SPARK_REMOTE"] = f"sc://{connection.host}:{connection.port}"
    return JobOperator(command=[PYTHON, "-m", f"jobs.{module}", *arguments], environment=environment, **options)


def job_per_value(module: str, option: str, values: XComArg, **options: Any) -> MappedOperator:
    """One mapped task for each of a list of strings: `python -m jobs.MODULE OPTION VALUE --date NIGHT`."""
    mapped = JobOperator.partial(
        task_id=module.rpartition(".")[2], map_index_template="{{ task.command[-1].rpartition('/')[2] }}", **options
    )
    return mapped.expand(command=values.map(lambda value: [PYTHON, "-m", f"jobs.{module}", option, value]))


def _submitted(module: str, arguments: Sequence[str], options: dict[str, Any]) -> BaseOperator:
    # Imported here, since only a cluster needs it and every task parses this file.
    from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

    from dags._previous_night import wait_for_previous_night

    after_previous_night = options.pop("after_previous_night", ())

    def check(context: Context) -> None:
        begin(context)
        wait_for_previous_night(context, after_previous_night)

    return SparkSubmitOperator(
        conn_id=SPARK_CONNECTION,
        application=str(ROOT / "jobs" / f"{module.replace('.', '/')}.py"),
        application_args=[*arguments, "--date", "{{ night(logical_date) }}"],
        name=f"{module} {{{{ night(logical_date) }}}}",
        env_vars={**_LOGS, "NIGHTREEL_RUN_ID": "{{ ti.dag_id }}/{{ run_id }}/{{ ti.task_id }}"},
        pre_execute=check,
        **options,
    )
