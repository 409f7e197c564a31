"""What depends on what, from what the contracts and models declare: the order of a night, and the days that it reads.

A name is that of a table (`gold.interactions`) or of a model (`models.recommender`). Nothing of the jobs is imported, so that the
DAGs and the commands ask here too.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import cache

from schemas.contract import ContractError, load_contract, tables
from schemas.made_from import LANDING, MODELS, DaysBack
from schemas.models import models

_LAYERS = ("bronze", "silver", "ops", "gold")


def sources(name: str) -> Mapping[str, DaysBack]:
    """What a table or model is made from: tables, models and feeds of the landing, with the days of each.

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
    """The feeds of the landing that a table is made from."""
    return tuple(source.removeprefix(LANDING) for source in sources(name) if source.startswith(LANDING))


def days_read(name: str, night: dt.date, late_days: int) -> dict[str, list[dt.date]]:
    """The days of each table that a night of a table or model is made from, newest first.

    Args:
        name: of the table or model.
        night: the night.
        late_days: how late an event may arrive.
    """
    read = {source: days.of(night, late_days) for source, days in sources(name).items()}
    return {source: days for source, days in read.items() if not source.startswith((LANDING, MODELS))}


@cache
def in_order() -> tuple[str, ...]:
    """All tables and models, each after what it is made from; of tables that do not depend on each other by layer, then by name.

    Raises:
        ContractError: one of them is made from something that nothing makes, or from itself by way of others.
    """
    done: dict[str, None] = {}
    by_layer = sorted(tables(), key=lambda table: (_LAYERS.index(table.partition(".")[0]), table))
    for name in (*by_layer, *(MODELS + model for model in models())):
        done |= dict.fromkeys(_with_sources(name, done, ()))
    return tuple(done)


def _with_sources(name: str, done: Mapping[str, None], path: tuple[str, ...]) -> Iterator[str]:
    if name in path:
        raise ContractError(f"madeFrom goes in a circle: {' from '.join((*path[path.index(name) :], name))}")
    if name in done:
        return
    for source in sources(name):
        if source == name or source.startswith(LANDING):  # a table may be made from its own earlier days
            continue
        if not (source.startswith(MODELS) or source in tables()):
            raise ContractError(f"{name} is made from {source}, which has no contract; mend its madeFrom")
        yield from _with_sources(source, done, (*path, name))
    yield name


@cache
def tables_of_a_night() -> tuple[str, ...]:
    """The tables that every night writes, in order: those that can be traced back to a feed that lands every night."""
    found: list[str] = []
    for name in in_order():
        for source, days in sources(name).items():
            if source in found or (source.startswith(LANDING) and not days.once):
                found.append(name)
                break
    return tuple(name for name in found if not name.startswith(MODELS))


@cache
def read_further_back(source: str) -> bool:
    """Whether somebody reads days of a table from before the day before: then its nights have to be made one after another."""
    days = (sources(name).get(source) for name in in_order())
    return any(back is not None and (back.last is None or back.last > 1) for back in days)


@cache
def made_by(job: str) -> tuple[str, ...]:
    """The tables that a job writes, by its module below `jobs`."""
    return tuple(table for table in tables() if load_contract(table).made_by == job)
