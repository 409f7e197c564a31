"""A job, Airflow's scheduler, its API server or Spark killed in the middle of nights: these end well, with the same content."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.local.backfill import Backfill
from infra.services import Services
from tests.faults.conftest import RecordFault
from tests.infra.nights import NIGHTS, commands_of, contents, land_nights, run_in_turn, services

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_KILLS = 20
_EVERY_S = 45.0
_BETWEEN = 4
"""So much ends well between two kills, however slow the machine: a task that is killed three times running fails its night."""
_JOB = "a job"


def kill_one(running: Services, chance: random.Random) -> str:
    """Kill a service, or a job that runs; its name, empty where no job runs."""
    daemons = {daemon.name: daemon.pid for daemon in running.daemons}
    name = chance.choice([*daemons, _JOB])
    victim = daemons.get(name)
    if name == _JOB:
        # Jobs are below the scheduler, in its session.
        listed = ["pgrep", "--session", str(daemons["airflow-scheduler"]), "--full", "--", "-m jobs[.]"]
        jobs = subprocess.run(listed, capture_output=True, text=True, check=False).stdout.split()
        victim = int(chance.choice(jobs)) if jobs else None
    if victim is None:
        return ""
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
    return name


def ended_well(running: Services) -> int:
    """How many tasks and publications have, by what is told of them as lineage; a night that is run again counts again."""
    events = running.state.lineage / "events.jsonl"
    return events.read_text().count('"eventType": "COMPLETE"') if events.exists() else 0


@pytest.mark.long
def test_nights_end_well(
    spark: "SparkSession", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_fault: RecordFault
) -> None:
    disturbed, in_turn = tmp_path / "disturbed", tmp_path / "in-turn"
    land_nights(disturbed, monkeypatch)
    shutil.copytree(disturbed, in_turn)
    chance = random.Random(5)
    killed: Counter[str] = Counter()
    rounds = 0

    with services(disturbed, monkeypatch) as running:
        last, ended_then = time.monotonic(), 0

        def disturb() -> list[str]:
            nonlocal last, ended_then
            ended = ended_well(running)
            due = time.monotonic() - last > _EVERY_S and ended >= ended_then + _BETWEEN
            if due and (name := kill_one(running, chance)):
                killed[name] += 1
                last, ended_then = time.monotonic(), ended
            return running.restart_dead()

        while killed.total() < _KILLS:
            outcome = Backfill(running.api, "nightly", *NIGHTS).run({}, 2, disturb)
            assert outcome.unsuccessful == []
            rounds += 1
        commands = commands_of(running)
    monkeypatch.setenv("NIGHTREEL_HOME", str(in_turn))
    run_in_turn(commands)
    named = ", ".join(f"{name} {times}" for name, times in killed.most_common())
    record_fault("services killed in the middle", f"{named}; {2 * rounds} nights ended well, with the same content")
    assert contents(disturbed, monkeypatch) == contents(in_turn, monkeypatch)
