"""Nights run in any order, again or side by side give what they give in turn, once what is stale by that was run again."""

import datetime as dt
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest
from pyspark.sql import SparkSession

from jobs.backfill.accept import accept
from jobs.backfill.stale_days import stale_days
from jobs.features import daily_interactions
from jobs.ingest import behavior_events, behavior_log, campaigns, quarantine, reconciliation, users, videos
from jobs.ingest.feeds import BEHAVIOR_LOGS
from jobs.platform import decisions
from jobs.platform.job_context import JobContext
from jobs.platform.lake import tables
from jobs.platform.lake.history import latest
from jobs.platform.settings import settings
from tests.faults.conftest import RecordFault
from tests.jobs.ingest.nights import NOON_MAY_1, line, write_landing

TWO, FOUR = ([dt.date(2022, 5, 1) + dt.timedelta(days=day) for day in range(count)] for count in (2, 4))
SHORT: tuple[ModuleType, ...] = (behavior_events, daily_interactions)
LONG: tuple[ModuleType, ...] = (behavior_events, quarantine, reconciliation, daily_interactions)
DAY_MS = 86_400_000


def logs(nights: Sequence[dt.date], chance: random.Random) -> dict[dt.date, list[str]]:
    """Logs of the nights with events that come late, come again another night, or are broken."""
    arrived: dict[dt.date, list[str]] = {night: [] for night in nights}
    for number in range(40):
        day = chance.randrange(len(nights))
        time_ms = NOON_MAY_1 + day * DAY_MS + chance.randrange(3)
        for again in range(chance.choice([1, 1, 2])):
            night = nights[chance.randrange(day, len(nights))]
            play = -1 if number % 20 == 0 else 1000 * again
            arrived[night].append(line(chance.randrange(4), chance.randrange(3), time_ms, play))
            arrived[night].append(arrived[night][-1])
    return arrived


def run(job: ModuleType, night: dt.date) -> bool:
    """Run a job; whether it did not refuse.

    Books of events that were made before an earlier night's do not balance: then nothing is published, and the night runs again.
    """
    try:
        job.main(["--date", str(night)])
    except SystemExit as refused:
        if (job, refused.code) != (reconciliation, 65):
            raise
        return False
    return True


def contents() -> dict[tuple[str, dt.date], str]:
    found = settings()
    return {(table, night): made.content for table in tables(found) for night, made in latest(found.uri(table)).items()}


def side_by_side(
    nights: Sequence[dt.date], jobs: Sequence[ModuleType], chance: random.Random
) -> list[tuple[ModuleType, dt.date]]:
    """Each night at least once and some again, in any order, their jobs mingled; of each run the jobs stay in order."""
    again = [*nights, *chance.choices(nights, k=chance.randrange(3))]
    runs = [[(job, night) for job in jobs] for night in chance.sample(again, len(again))]
    mingled = []
    while runs:
        following = chance.choice(runs)
        mingled.append(following.pop(0))
        runs = [run for run in runs if run]
    return mingled


@pytest.mark.parametrize(
    ("seeds", "nights", "jobs"),
    [
        pytest.param([6], TWO, SHORT, id="one order of two nights"),
        pytest.param(range(12), FOUR, LONG, id="12 orders of four nights", marks=pytest.mark.long),
    ],
)
def test_they_converge(
    home: Path,
    spark: SparkSession,
    seeds: Sequence[int],
    nights: Sequence[dt.date],
    jobs: Sequence[ModuleType],
    record_fault: RecordFault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    odd = 0
    for seed in seeds:
        chance = random.Random(seed)
        for night, arrived in logs(nights, chance).items():
            write_landing(home, arrived, night)
            if reconciliation in jobs:
                accept(
                    JobContext(night, settings(), writes=decisions.TABLE),
                    decisions.VOLUME,
                    BEHAVIOR_LOGS,
                    "test",
                    "meant so",
                )
            for job in (behavior_log, *((users, videos, campaigns) if reconciliation in jobs else ())):
                job.main(["--date", str(night)])
        shutil.copytree(home / "lake", home / "in-turn")
        monkeypatch.setenv("NIGHTREEL_LAKE", str(home / "in-turn"))
        for night in nights:
            assert all(run(job, night) for job in jobs)
        in_turn = contents()
        assert stale_days(settings(), nights[-1]) == []

        monkeypatch.delenv("NIGHTREEL_LAKE")
        refused = {night for job, night in side_by_side(nights, jobs, chance) if not run(job, night)}
        odd += contents() != in_turn
        for _ in range(len(nights)):
            again = refused | {stale.night for stale in stale_days(settings(), nights[-1])}
            refused = {night for night in sorted(again) for job in jobs if not run(job, night)}
        assert not refused
        assert stale_days(settings(), nights[-1]) == []
        assert contents() == in_turn, seed
        for lake in ("lake", "in-turn"):
            shutil.rmtree(home / lake)
    record_fault(
        "nights in any order", f"{len(seeds)} orders, {odd} gave something else until the stale nights were run"
    )
    assert odd, "orders that matter are what this is about"
