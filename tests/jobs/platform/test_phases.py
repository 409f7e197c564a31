"""The seconds of a job's phases: each moment counts once, in the innermost phase."""

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from jobs.platform.phases import Phase, phase, reading, seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> "Clock":
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    return clock


class Clock:
    now = 0.0


def test_a_phase_within_another_counts_only_as_the_inner_one(clock: Clock) -> None:
    before = seconds()
    with phase(Phase.COMPUTE):
        clock.now += 1
        with phase(Phase.STAGE):
            clock.now += 2
            with phase(Phase.READ):
                clock.now += 4
        clock.now += 8
        with suppress(ValueError), phase(Phase.AUDIT):
            clock.now += 16
            raise ValueError
    took = {name: total - before[name] for name, total in seconds().items() if total > before[name]}
    assert took == {Phase.COMPUTE: 9, Phase.STAGE: 2, Phase.READ: 4, Phase.AUDIT: 16}


def test_only_the_wait_for_the_next_batch_is_reading(clock: Clock) -> None:
    def batches() -> Iterator[int]:
        for number in range(3):
            clock.now += 5
            yield number
        clock.now += 1  # until the end is known

    before = seconds()[Phase.READ]
    for _ in reading(batches()):
        clock.now += 100
    assert seconds()[Phase.READ] - before == 16
