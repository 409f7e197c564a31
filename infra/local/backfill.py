"""Run DAGs for a range of nights in Airflow, and show their progress."""

import datetime as dt
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from infra.local.airflow_api import AirflowApi, Unanswered
from infra.local.daemon import ServiceError
from schemas.days import day_of, days_between
from schemas.zone import zone

_POLL_S = 2.0
_PATIENCE_S = 180.0
"""Time for a restarted API server to answer."""
_PREFIXES = {"text_to_video": "video."}
"""DAG -> prefix of its tasks in the output and in the summary."""
_FINISHED = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})


@dataclass
class Outcome:
    """How the runs of a backfill ended."""

    seconds: dict[dt.date, dict[str, float]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(float)))
    """Night -> name of the task (`task_name`) -> seconds it ran, summed over the instances of a mapped task."""
    failed: list[dict[str, Any]] = field(default_factory=list)
    """Task instances that failed."""
    unsuccessful: dict[str, list[dt.date]] = field(default_factory=dict)
    """DAG -> nights whose run did not succeed. DAGs without such a night are left out."""


class Backfill:
    """Backfills of DAGs that run at the same time, from the night `first` to the night `last`.

    Args:
        confs: DAG -> its parameters. A DAG that waits for another one comes after it.
    """

    def __init__(
        self, api: AirflowApi, confs: Mapping[str, Mapping[str, object]], first: dt.date, last: dt.date
    ) -> None:
        self._api = api
        self._confs = confs
        self._first, self._last = first, last
        self._shown: set[tuple[str, str, str, int]] = set()

    def run(self, at_once: int, restart_dead: Callable[[], Sequence[str]] = lambda: ()) -> Outcome:
        """Start the backfills, show their progress, and return when all their runs have finished. On Ctrl-C, the runs are ended.

        Args:
            at_once: how many nights of a DAG may run at a time.
            restart_dead: restarts the services that have died and returns their names.

        Raises:
            ServiceError: Airflow refused a backfill or stopped answering.
        """
        started: dict[str, int] = {}
        try:
            for dag, conf in self._confs.items():
                started[dag] = self._api.start_backfill(dag, self._first, self._last, conf, at_once)
            outcome = self._follow(restart_dead)
        except BaseException:
            self._cancel(started)
            raise
        # Airflow checks only every 30 s whether a backfill has finished, and refuses another one until then.
        for number in started.values():
            self._api.end_backfill(number)
        return outcome

    def _follow(self, restart_dead: Callable[[], Sequence[str]]) -> Outcome:
        days = len(days_between(self._first, self._last, zone()))
        last_answer = time.monotonic()
        with tqdm(disable=None, unit="task", leave=False, dynamic_ncols=True) as bar:
            while True:
                for name in restart_dead():
                    bar.write(f"  {name} died and was restarted")
                try:
                    runs = [run for dag in self._confs for run in self._runs(dag, days)]
                except Unanswered:
                    if time.monotonic() - last_answer > _PATIENCE_S:
                        raise
                    continue  # the server died during the request
                last_answer = time.monotonic()
                self._show(bar, runs)
                if all(run["state"] in _FINISHED for run in runs):
                    return _outcome(runs)
                time.sleep(_POLL_S)

    def _runs(self, dag: str, days: int) -> list[dict[str, Any]]:
        """Return the DAG's runs with their `tasks`."""
        runs = self._api.runs(dag, self._first, self._last)
        if len(runs) != days:
            raise ServiceError(f"Airflow created {len(runs)} runs of {dag} for {days} nights")
        return [{**run, "dag_id": dag, "tasks": self._api.tasks(dag, run["dag_run_id"])} for run in runs]

    def _show(self, bar: "tqdm[Any]", runs: list[dict[str, Any]]) -> None:
        for run in runs:
            for task in run["tasks"]:
                key = (run["dag_id"], run["dag_run_id"], task["task_id"], task["map_index"])
                if task["state"] in _FINISHED and run["state"] != "queued" and key not in self._shown:
                    self._shown.add(key)
                    bar.write(_line(run, task))
        tasks = [(task_name(run["dag_id"], task), task["state"]) for run in runs for task in run["tasks"]]
        bar.total = len(tasks)
        bar.n = sum(state in _FINISHED for _, state in tasks)
        bar.set_postfix_str(", ".join(sorted({name for name, state in tasks if state == "running"})))

    def _cancel(self, started: Mapping[str, int]) -> None:
        try:
            for dag, number in started.items():
                self._api.end_backfill(number)
                for run in self._api.runs(dag, self._first, self._last):
                    if run["state"] not in _FINISHED:
                        self._api.fail_run(dag, run["dag_run_id"])
        except ServiceError as error:
            tqdm.write(f"the backfill may still be running: {error}")


def task_name(dag: str, task: Mapping[str, Any]) -> str:
    """Return the name under which a task is shown, which is unique among the DAGs of a night."""
    return _PREFIXES.get(dag, "") + str(task["task_id"])


def night_of(run: dict[str, Any]) -> dt.date:
    """Return the night of a run."""
    return day_of(dt.datetime.fromisoformat(run["logical_date"]), zone())


def _outcome(runs: list[dict[str, Any]]) -> Outcome:
    outcome = Outcome()
    for run in runs:
        night = night_of(run)
        if run["state"] != "success":
            outcome.unsuccessful.setdefault(run["dag_id"], []).append(night)
        for task in run["tasks"]:
            outcome.seconds[night][task_name(run["dag_id"], task)] += task["duration"] or 0.0
            if task["state"] == "failed":
                outcome.failed.append(task)
    return outcome


def _line(run: dict[str, Any], task: dict[str, Any]) -> str:
    name = task_name(run["dag_id"], task)
    if task["map_index"] >= 0:
        name += f" [{task['rendered_map_index'] or task['map_index']}]"
    took = f"{task['duration']:7.1f} s" if task["duration"] else " " * 9
    note = "" if task["state"] == "success" else f"  {task['state']}"
    return f"  {night_of(run)} {took}  {name}{note}"
