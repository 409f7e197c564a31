"""Create the tasks of the declared tables and models, and the dependencies between them.

A table's stage decides the group of its task. Its sources (`madeFrom`) decide the upstream tasks, and the tasks of the previous
night that it waits for.
"""

from collections.abc import Iterable, Mapping

from airflow.sdk import DAG, BaseOperator

from dags._tasks import job_task
from schemas.contract import load_contract
from schemas.dependencies import must_run_in_sequence, tables_of_a_night, topological_order
from schemas.made_from import LANDING, MODELS, DaysBack
from schemas.models import models

Edges = set[tuple[str, str]]
"""Pairs of task ids: (upstream, downstream)."""


class DeclaredTasks:
    """The tasks of one DAG: created stage by stage, then connected by `connect`.

    Args:
        landing: the task that writes the landing of a night, if the DAG has one.
    """

    def __init__(self, landing: BaseOperator | None = None) -> None:
        self._landing = landing
        self._task_of: dict[str, str] = {}
        """Table or model -> id of the task that makes it."""
        self._reads: dict[str, Mapping[str, DaysBack]] = {}
        """Task id -> its sources."""
        self._after_previous_night: dict[str, list[str]] = {}
        """Task id -> tasks of the previous night that it waits for. The operators share these lists; `connect` fills them."""

    def tables(self, stage: str) -> list[BaseOperator]:
        """Create one task per table of a stage. The task has the name of the table.

        Args:
            stage: see `Contract.stage`.
        """
        names = [
            name for name in topological_order() if not name.startswith(MODELS) and load_contract(name).stage == stage
        ]
        return [self._table(name) for name in names]

    def training(self, model: str, kinds: Iterable[str]) -> list[BaseOperator]:
        """Create one training task per kind of a model, followed by a task that promotes the best one.

        Args:
            model: the name of the registered model, e.g. `recommender`.
            kinds: the kinds in its registry.
        """
        declared = models()[model]
        trained = [
            self._task(declared.trained_by, declared.made_from, "--model", k, task_id=f"train_{k}") for k in kinds
        ]
        promoted = self.promotion(model)
        trained >> promoted
        return [*trained, promoted]

    def promotion(self, model: str) -> BaseOperator:
        """Create the task that decides which version of a model serves."""
        declared = models()[model]
        assert declared.promoted_by, f"{model} has no promotion job"
        promoted = self._task(declared.promoted_by, declared.made_from, task_id="promote")
        self._task_of[MODELS + model] = promoted.task_id
        return promoted

    def connect(self, dag: DAG, night_begins_after: str = "") -> None:
        """Let each task wait for the tasks that make its sources, in this night and in the previous night.

        If days of a table before the previous one are read too, the table's task also waits for itself in the previous night, so
        that its nights run one after another. Redundant dependencies are left out.

        Args:
            dag: the DAG of the tasks, already with the edges that no table declares.
            night_begins_after: id of a task of the previous night that `landing` always waits for.
        """
        existing = {(upstream, task.task_id) for task in dag.tasks for upstream in task.upstream_task_ids}
        edges = existing | self._edges_within_night()
        ancestors = _ancestors(edges, dag.task_ids)
        for upstream, downstream in sorted(_without_shortcuts(edges, ancestors) - existing):
            dag.get_task(upstream) >> dag.get_task(downstream)
        begin = {(night_begins_after, self._landing.task_id)} if night_begins_after and self._landing else set()
        for upstream, downstream in sorted(_not_implied(self._edges_from_previous_night() | begin, ancestors) - begin):
            self._after_previous_night[downstream].append(upstream)

    def _table(self, name: str) -> BaseOperator:
        contract = load_contract(name)
        task = self._task(contract.made_by, contract.made_from, task_id=name.rpartition(".")[2])
        self._task_of[name] = task.task_id
        return task

    def _task(self, module: str, reads: Mapping[str, DaysBack], *arguments: str, task_id: str) -> BaseOperator:
        waits: list[str] = []
        task = job_task(module, *arguments, task_id=task_id, after_previous_night=waits)
        self._reads[task.task_id], self._after_previous_night[task.task_id] = reads, waits
        return task

    def _maker(self, source: str) -> str | None:
        """Return the id of the task of this DAG that makes a source, or None."""
        if source.startswith(LANDING):
            return self._landing.task_id if self._landing else None
        return self._task_of.get(source)

    def _edges_within_night(self) -> Edges:
        return {
            (maker, task)
            for task, reads in self._reads.items()
            for source, days in reads.items()
            if days.first == 0 and (maker := self._maker(source)) and maker != task
        }

    def _edges_from_previous_night(self) -> Edges:
        task_of = {source: task for source, task in self._task_of.items() if source in tables_of_a_night()}
        edges = {
            (task_of[source], task)
            for task, reads in self._reads.items()
            for source, days in reads.items()
            if days.earlier and source in task_of
        }
        sequential = {task for source, task in task_of.items() if must_run_in_sequence(source)}
        # A promotion compares the night's models with the model that was serving after the previous night.
        sequential |= {task for source, task in self._task_of.items() if source.startswith(MODELS)}
        return edges | {(task, task) for task in sequential}


def _ancestors(edges: Edges, tasks: Iterable[str]) -> dict[str, set[str]]:
    """Return for each task the set of its ancestors and itself."""
    ancestors: dict[str, set[str]] = {}

    def visit(task: str) -> set[str]:
        if task not in ancestors:
            ancestors[task] = {task}.union(*(visit(upstream) for upstream, downstream in edges if downstream == task))
        return ancestors[task]

    for task in tasks:
        visit(task)
    return ancestors


def _without_shortcuts(edges: Edges, ancestors: Mapping[str, set[str]]) -> Edges:
    """Return the transitive reduction: drop edges between tasks that are also connected through other tasks."""
    return {
        (upstream, downstream)
        for upstream, downstream in edges
        if not any(
            other == downstream and upstream != middle and upstream in ancestors[middle] for middle, other in edges
        )
    }


def _not_implied(waits: Edges, ancestors: Mapping[str, set[str]]) -> Edges:
    """Drop the waits for tasks of the previous night that follow from another wait."""

    def includes(other: tuple[str, str], wait: tuple[str, str]) -> bool:
        return other != wait and wait[0] in ancestors[other[0]] and other[1] in ancestors[wait[1]]

    return {wait for wait in waits if not any(includes(other, wait) for other in waits)}
