"""Run a DAG for a range of nights in Airflow, and show its progress."""

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
_FINISHED = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})


@dataclass
class Outcome:
    """How the runs of a backfill ended."""

    seconds: dict[dt.date, dict[str, float]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(float)))
    """Night -> task -> seconds it ran, summed over the instances of a mapped task."""
    failed: list[dict[str, Any]] = field(default_factory=list)
    """Task instances that failed."""
    unsuccessful: list[dt.date] = field(default_factory=list)
    """Nights whose run did not succeed."""


class Backfill:
    """One backfill of a DAG, from the night `first` to the night `last`."""

    def __init__(self, api: AirflowApi, dag: str, first: dt.date, last: dt.date) -> None:
        self._api = api
        self._dag = dag
        self._first, self._last = first, last
        self._shown: set[tuple[str, str, int]] = set()

    def run(
        self, conf: Mapping[str, object], at_once: int, restart_dead: Callable[[], Sequence[str]] = lambda: ()
    ) -> Outcome:
        """Start the backfill, show its progress, and return when all its runs have finished. On Ctrl-C, its runs are ended.

        Args:
            conf: parameters of the DAG.
            at_once: how many nights may run at a time.
            restart_dead: restarts the services that have died and returns their names.

        Raises:
            ServiceError: Airflow refused the backfill or stopped answering.
        """
        number = self._api.start_backfill(self._dag, self._first, self._last, conf, at_once)
        try:
            outcome = self._follow(restart_dead)
        except BaseException:
            self._cancel(number)
            raise
        # Airflow checks only every 30 s whether a backfill has finished, and refuses another one until then.
        self._api.end_backfill(number)
        return outcome

    def _follow(self, restart_dead: Callable[[], Sequence[str]]) -> Outcome:
        days = len(days_between(self._first, self._last, zone()))
        last_answer = time.monotonic()
        with tqdm(disable=None, unit="task", desc=self._dag, leave=False, dynamic_ncols=True) as bar:
            while True:
                for name in restart_dead():
                    bar.write(f"  {name} died and was restarted")
                try:
                    runs = self._api.runs(self._dag, self._first, self._last)
                    tasks = {run["dag_run_id"]: self._api.tasks(self._dag, run["dag_run_id"]) for run in runs}
                except Unanswered:
                    if time.monotonic() - last_answer > _PATIENCE_S:
                        raise
                    continue  # the server died during the request
                last_answer = time.monotonic()
                if len(runs) != days:
                    raise ServiceError(f"Airflow created {len(runs)} runs of {self._dag} for {days} nights")
                self._show(bar, runs, tasks)
                if all(run["state"] in _FINISHED for run in runs):
                    return self._outcome(runs, tasks)
                time.sleep(_POLL_S)

    def _show(self, bar: "tqdm[Any]", runs: list[dict[str, Any]], tasks: dict[str, list[dict[str, Any]]]) -> None:
        all_tasks = [task for run in runs for task in tasks[run["dag_run_id"]]]
        for run in runs:
            for task in tasks[run["dag_run_id"]]:
                key = (run["dag_run_id"], task["task_id"], task["map_index"])
                if task["state"] in _FINISHED and run["state"] != "queued" and key not in self._shown:
                    self._shown.add(key)
                    bar.write(_line(night_of(run), task))
        bar.total = len(all_tasks)
        bar.n = sum(task["state"] in _FINISHED for task in all_tasks)
        bar.set_postfix_str(", ".join(sorted({task["task_id"] for task in all_tasks if task["state"] == "running"})))

    def _outcome(self, runs: list[dict[str, Any]], tasks: dict[str, list[dict[str, Any]]]) -> Outcome:
        outcome = Outcome()
        for run in runs:
            night = night_of(run)
            if run["state"] != "success":
                outcome.unsuccessful.append(night)
            for task in tasks[run["dag_run_id"]]:
                outcome.seconds[night][task["task_id"]] += task["duration"] or 0.0
                if task["state"] == "failed":
                    outcome.failed.append(task)
        return outcome

    def _cancel(self, number: int) -> None:
        try:
            self._api.end_backfill(number)
            for run in self._api.runs(self._dag, self._first, self._last):
                if run["state"] not in _FINISHED:
                    self._api.fail_run(self._dag, run["dag_run_id"])
        except ServiceError as error:
            tqdm.write(f"the backfill may still be running: {error}")


def night_of(run: dict[str, Any]) -> dt.date:
    """Return the night of a run."""
    return day_of(dt.datetime.fromisoformat(run["logical_date"]), zone())


def _line(night: dt.date, task: dict[str, Any]) -> str:
    name = task["task_id"] + (f" [{task['rendered_map_index'] or task['map_index']}]" if task["map_index"] >= 0 else "")
    took = f"{task['duration']:7.1f} s" if task["duration"] else " " * 9
    note = "" if task["state"] == "success" else f"  {task['state']}"
    return f"  {night} {took}  {name}{note}"
