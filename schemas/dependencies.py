"""Dependencies between tables and models, as declared in contracts and models.yaml: the order of a night and the days it reads.

A name is the name of a table (`gold.user_features`) or of a model (`models.recommender`). This module imports no job, so that
DAGs and commands can use it too.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import cache

from schemas.contract import ContractError, load_contract, tables
from schemas.made_from import LANDING, MODELS, DaysBack
from schemas.models import models

_LAYERS = ("bronze", "silver", "ops", "gold")


def sources(name: str) -> Mapping[str, DaysBack]:
    """Return the sources of a table or model (tables, models and feeds of the landing) with the days of each.

    Raises:
        ContractError: there is no such table or model.
    """
    if not name.startswith(MODELS):
        return load_contract(name).made_from
    model = models().get(name.removeprefix(MODELS))
    if model is None:
        raise ContractError(f"schemas/models.yaml has no {name.removeprefix(MODELS)!r}; it has {', '.join(models())}")
    return model.made_from


def feeds(name: str) -> tuple[str, ...]:
    """Return the feeds of the landing that a table is made from."""
    return tuple(source.removeprefix(LANDING) for source in sources(name) if source.startswith(LANDING))


def days_read(name: str, night: dt.date, late_days: int) -> dict[str, list[dt.date]]:
    """Return the days of each table that a night of a table or model reads, newest first.

    Args:
        name: the table or model.
        night: the night.
        late_days: how many days late an event may arrive.
    """
    days_by_source = {source: days.of(night, late_days) for source, days in sources(name).items()}
    return {source: days for source, days in days_by_source.items() if not source.startswith((LANDING, MODELS))}


@cache
def topological_order() -> tuple[str, ...]:
    """Return all tables and models, each after its sources of the same night. Others are sorted by layer, then by name.

    A source may come later of which only earlier nights are read: viewers of earlier nights' videos decide which generator makes
    the videos of this night.

    Raises:
        ContractError: a source has no contract, or the dependencies contain a cycle.
    """
    done: dict[str, None] = {}
    by_layer = sorted(tables(), key=lambda table: (_LAYERS.index(table.partition(".")[0]), table))
    for name in (*by_layer, *(MODELS + model for model in models())):
        done |= dict.fromkeys(_with_sources(name, done, ()))
    return tuple(done)


def _with_sources(name: str, done: Mapping[str, None], path: tuple[str, ...]) -> Iterator[str]:
    if name in path:
        raise ContractError(f"madeFrom contains a cycle: {' from '.join((*path[path.index(name) :], name))}")
    if name in done:
        return
    for source, days in sources(name).items():
        if source == name or source.startswith(LANDING):  # a table may be made from its own earlier days
            continue
        if not (source.startswith(MODELS) or source in tables()):
            raise ContractError(f"{name} is made from {source}, which has no contract; correct its madeFrom")
        if days.first == 0:
            yield from _with_sources(source, done, (*path, name))
    yield name


@cache
def tables_of_a_night() -> tuple[str, ...]:
    """Return the tables that every night writes, in topological order: those that depend on a feed that lands every night."""
    nightly: list[str] = []
    for name in topological_order():
        for source, days in sources(name).items():
            if source in nightly or (source.startswith(LANDING) and not days.once):
                nightly.append(name)
                break
    return tuple(name for name in nightly if not name.startswith(MODELS))


@cache
def must_run_in_sequence(source: str) -> bool:
    """True if the nights of a table must run one after another: a table or model reads days of it older than the previous day."""
    days = (sources(name).get(source) for name in topological_order())
    return any(back is not None and (back.last is None or back.last > 1) for back in days)


@cache
def tables_made_by(job: str) -> tuple[str, ...]:
    """Return the tables that a job writes, by its module relative to `jobs`."""
    return tuple(table for table in tables() if load_contract(table).made_by == job)
