"""The tasks of what contracts and models declare, and what each of them waits for.

A table's stage says which group its task is in; what it is made from says which tasks come before it, and which tasks of the
night before.
"""

from collections.abc import Iterable, Mapping

from airflow.sdk import DAG, BaseOperator

from dags._tasks import job_task
from schemas.contract import load_contract
from schemas.dependencies import in_order, read_further_back, tables_of_a_night
from schemas.made_from import LANDING, MODELS, DaysBack
from schemas.models import models

Edges = set[tuple[str, str]]
"""Pairs of tasks by id: what comes first, and what comes after it."""


class DeclaredTasks:
    """Tasks of one DAG: made stage by stage, then joined by `connect`.

    Args:
        landing: the task that lays a night's files, where the DAG has one.
    """

    def __init__(self, landing: BaseOperator | None = None) -> None:
        self._landing = landing
        self._makes: dict[str, str] = {}
        """Table or model -> id of the task that makes it."""
        self._reads: dict[str, Mapping[str, DaysBack]] = {}
        """Task id -> what it reads."""
        self._after_previous_night: dict[str, list[str]] = {}
        """Task id -> the tasks of the night before that it waits for. The operators have these lists; `connect` fills them."""

    def tables(self, stage: str, *, spark: bool = False) -> list[BaseOperator]:
        """A task for each table of a stage, named as the table is.

        Args:
            stage: the tables' own, see `Contract.stage`.
            spark: whether they are Spark stages, to be submitted where Spark is a cluster.
        """
        names = [name for name in in_order() if not name.startswith(MODELS) and load_contract(name).stage == stage]
        return [self._table(name, spark) for name in names]

    def training(self, model: str, kinds: Iterable[str]) -> list[BaseOperator]:
        """A task that trains each kind of a model, then one that promotes the best of them.

        Args:
            model: the name of the registered model, e.g. `recommender`.
            kinds: what its registry has.
        """
        declared = models()[model]
        assert declared.promoted_by, f"{model} is promoted by no job"
        trained = [
            self._task(declared.trained_by, declared.made_from, "--model", k, task_id=f"train_{k}") for k in kinds
        ]
        promoted = self._task(declared.promoted_by, declared.made_from, task_id="promote")
        trained >> promoted
        self._makes[MODELS + model] = promoted.task_id
        return [*trained, promoted]

    def connect(self, dag: DAG, night_begins_after: str = "") -> None:
        """Let each task wait for those that make what it reads of the night, and of the night before.

        A task reads the days before that one as well only where the makers of a table wait for themselves: its nights are then
        made one after another. Whatever follows from the rest is left out.

        Args:
            dag: the DAG of the tasks, with the edges that no table declares.
            night_begins_after: id of the task that `landing` waits for, of the night before, at least.
        """
        drawn = {(before, task.task_id) for task in dag.tasks for before in task.upstream_task_ids}
        edges = drawn | self._of_the_night()
        before = _before(edges, dag.task_ids)
        for first, then in sorted(_without_shortcuts(edges, before) - drawn):
            dag.get_task(first) >> dag.get_task(then)
        begin = {(night_begins_after, self._landing.task_id)} if night_begins_after and self._landing else set()
        for first, then in sorted(_not_implied(self._of_the_night_before() | begin, before) - begin):
            self._after_previous_night[then].append(first)

    def _table(self, name: str, spark: bool) -> BaseOperator:
        contract = load_contract(name)
        task = self._task(contract.made_by, contract.made_from, task_id=name.rpartition(".")[2], spark=spark)
        self._makes[name] = task.task_id
        return task

    def _task(
        self, module: str, reads: Mapping[str, DaysBack], *arguments: str, task_id: str, spark: bool = False
    ) -> BaseOperator:
        waits: list[str] = []
        task = job_task(module, *arguments, task_id=task_id, spark=spark, after_previous_night=waits)
        self._reads[task.task_id], self._after_previous_night[task.task_id] = reads, waits
        return task

    def _maker(self, source: str) -> str | None:
        """Id of the task of this DAG that makes a source."""
        if source.startswith(LANDING):
            return self._landing.task_id if self._landing else None
        return self._makes.get(source)

    def _of_the_night(self) -> Edges:
        return {
            (maker, task)
            for task, reads in self._reads.items()
            for source, days in reads.items()
            if days.first == 0 and (maker := self._maker(source)) and maker != task
        }

    def _of_the_night_before(self) -> Edges:
        makes = {source: task for source, task in self._makes.items() if source in tables_of_a_night()}
        read = {
            (makes[source], task)
            for task, reads in self._reads.items()
            for source, days in reads.items()
            if days.earlier and source in makes
        }
        in_turn = {task for source, task in makes.items() if read_further_back(source)}
        # A promotion compares the night's models with the one that the night before left serving.
        in_turn |= {task for source, task in self._makes.items() if source.startswith(MODELS)}
        return read | {(task, task) for task in in_turn}


def _before(edges: Edges, tasks: Iterable[str]) -> dict[str, set[str]]:
    """Each task -> all that come before it, and itself."""
    found: dict[str, set[str]] = {}

    def visit(task: str) -> set[str]:
        if task not in found:
            found[task] = {task}.union(*(visit(first) for first, then in edges if then == task))
        return found[task]

    for task in tasks:
        visit(task)
    return found


def _without_shortcuts(edges: Edges, before: Mapping[str, set[str]]) -> Edges:
    """The edges without those between tasks that are joined by way of others as well."""
    return {
        (first, then)
        for first, then in edges
        if not any(other == then and first != last and first in before[last] for last, other in edges)
    }


def _not_implied(waits: Edges, before: Mapping[str, set[str]]) -> Edges:
    """The waits for tasks of the night before without those that follow from another one."""

    def includes(other: tuple[str, str], wait: tuple[str, str]) -> bool:
        return other != wait and wait[0] in before[other[0]] and other[1] in before[wait[1]]

    return {wait for wait in waits if not any(includes(other, wait) for other in waits)}
