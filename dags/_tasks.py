"""Factory of all tasks: how a job is run, and the settings that all tasks have in common."""

import datetime as dt
import logging
from functools import cache
from typing import Any

from airflow.sdk import Asset, BaseHook, BaseOperator, Context, TriggerRule, XComArg
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    AirflowSkipException,
)

from dags._job_operator import PYTHON, JobOperator
from dags._night import RUN_TYPES, ZONE, night, refuse_manual_run
from dags._stale_filter import skip_unless_stale
from schemas.dependencies import tables_made_by

_log = logging.getLogger(__name__)
SPARK_CONNECTION = "spark_default"
# Stale nights are rerun from the files that have landed, whatever their source was.
_LOGS = {
    "NIGHTREEL_SOURCE": "{{ 'landing' if params.get('only_stale') else params.get('source', '') }}",
    "NIGHTREEL_MAPPING": "{{ '' if params.get('only_stale') else params.get('mapping') or '' }}",
}


def log_advice(context: Context) -> None:
    """Log what failed and what to do next, at the end of a failed task's log."""
    task = context["ti"]
    day = night(context["logical_date"])
    advice = "When the cause is fixed, clear the task in the UI (its downstream tasks run again too)"
    if source := context["params"].get("source"):
        mapping = f" MAPPING={name}" if (name := context["params"].get("mapping")) else ""
        advice += f", or rerun the night: make backfill FROM={day} TO={day} SOURCE={source}{mapping}"
    _log.error("%s failed for %s: %s\n%s", task.task_id, day, context.get("exception"), advice)


def check_before_run(context: Context) -> None:
    """Pre-execute checks of every task.

    Raises:
        AirflowFailException: the run was started manually, or its parameter `tables` contains a table that no task writes.
        AirflowSkipException: `tables` does not contain this task's table. The table keeps its rows of the night.
        DownstreamTasksSkipped: the run has `only_stale` and its night is not stale.
    """
    refuse_manual_run(context)
    skip_unless_stale(context)
    requested_tables = {name.strip() for name in (context["params"].get("tables") or "").split(",") if name.strip()}
    task, dag = context["task"], context["dag"]
    if unknown := requested_tables - {asset.name for other in dag.tasks for asset in other.outlets}:
        raise AirflowFailException(f"parameter `tables`: no task of {dag.dag_id} writes {', '.join(sorted(unknown))}")
    if requested_tables and requested_tables.isdisjoint(asset.name for asset in task.outlets):
        raise AirflowSkipException(
            f"this run only makes {', '.join(sorted(requested_tables))}, as given by its parameter `tables`"
        )


_DEFAULTS: dict[str, Any] = {
    "owner": "nightreel",
    "retries": 2,
    "retry_delay": dt.timedelta(seconds=20),
    "retry_exponential_backoff": True,
    # Each attempt doubles the delay, and a rerun of a night goes on counting.
    "max_retry_delay": dt.timedelta(minutes=2),
    "execution_timeout": dt.timedelta(hours=2),
    "pre_execute": check_before_run,
    "trigger_rule": TriggerRule.NONE_FAILED,  # a task skipped by `tables` must not skip its downstream
    "on_failure_callback": log_advice,
}

OF_ALL_DAGS: dict[str, Any] = {
    "start_date": dt.datetime(2022, 1, 1, tzinfo=ZONE),
    "catchup": False,
    "allowed_run_types": RUN_TYPES,
    "default_args": _DEFAULTS,
    "user_defined_macros": {"night": night},
}
"""Arguments that all DAGs have in common."""


def table(name: str) -> Asset:
    """Return the asset of a table, e.g. `gold.recommendations`."""
    return Asset(name, uri=f"x-lake://{name.replace('.', '/')}")


@cache
def spark_environment() -> dict[str, str]:
    """Return the variables that tell a job where its Spark work is done, from the connection `spark_default`.

    A connection of type `spark_connect` is a Connect server. One of type `spark` is the master of a cluster: the driver of a job
    runs in its task, the executors on the cluster. Without a connection each job runs Spark in its own process.

    Raises:
        AirflowException: the connection requires something else.
    """
    try:
        connection = BaseHook.get_connection(SPARK_CONNECTION)
    except AirflowNotFoundException:
        return {}
    address = f"{connection.host}:{connection.port}" if connection.port else str(connection.host)
    if connection.conn_type == "spark":
        if connection.extra_dejson.get("deploy-mode", "client") != "client":
            raise AirflowException(
                f"connection {SPARK_CONNECTION}: a job's driver runs in its task; remove deploy-mode, and give each task its own "
                "machine with the CeleryExecutor or its own pod with the KubernetesExecutor"
            )
        # The connection's URI, spark://host:7077, has the type as its scheme.
        is_url = "://" in address or not connection.port
        return {"NIGHTREEL_SPARK_MASTER": address if is_url else f"spark://{address}"}
    return {"SPARK_REMOTE": f"sc://{address}"}


def job_task(module: str, *arguments: str, **options: Any) -> BaseOperator:
    """Create a task that runs `python -m jobs.MODULE ARGUMENTS --date NIGHT`. Its outlets are the tables that the job writes.

    Args:
        module: module of the job, relative to `jobs`.
        arguments: arguments of the job.
        options: options of the operator; the default of `task_id` is the name of the module.
    """
    options.setdefault("task_id", module.rpartition(".")[2])
    options["outlets"] = [table(name) for name in tables_made_by(module)]
    return JobOperator(
        command=[PYTHON, "-m", f"jobs.{module}", *arguments], environment=_LOGS | spark_environment(), **options
    )


def job_per_value(module: str, option: str, values: XComArg, **options: Any) -> MappedOperator:
    """Create one mapped task per string of a list: `python -m jobs.MODULE OPTION VALUE --date NIGHT`."""
    mapped = JobOperator.partial(
        task_id=module.rpartition(".")[2], map_index_template="{{ task.command[-1].rpartition('/')[2] }}", **options
    )
    return mapped.expand(command=values.map(lambda value: [PYTHON, "-m", f"jobs.{module}", option, value]))
