"""How long each phase of a job takes, for its metrics."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class Phase(StrEnum):
    """What a job does."""

    START = "start"
    """Python starts, and imports the job."""
    READ = "read"
    """Tables are read into this process."""
    COMPUTE = "compute"
    """All else: plans of Spark, models that are trained here, plots."""
    STAGE = "stage"
    """The rows are written to files. Spark reads its inputs and computes the rows in the same pass."""
    AUDIT = "audit"
    """The files are read back and checked."""
    COMMIT = "commit"
    """The files are flushed and published."""


_seconds = dict.fromkeys(Phase, 0.0)


@contextmanager
def phase(name: Phase) -> Iterator[None]:
    """Add the time of the block to a phase, less the phases inside of it."""
    started, before = time.perf_counter(), sum(_seconds.values())
    try:
        yield
    finally:
        _seconds[name] += time.perf_counter() - started - (sum(_seconds.values()) - before)


def reading(items: Iterable[T]) -> Iterator[T]:
    """Yield the items, and add the time until each arrives to the phase `READ`."""
    iterator = iter(items)
    while True:
        with phase(Phase.READ):
            item = next(iterator, None)
        if item is None:
            return
        yield item


def seconds() -> dict[Phase, float]:
    """Return how long each phase has taken so far in this process."""
    return dict(_seconds)
