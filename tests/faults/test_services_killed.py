"""A job, an executor or any service killed in the middle of nights, on one machine and on a cluster: the content is the same."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.local.backfill import Backfill
from infra.local.daemon import ServiceError
from infra.services import Services
from tests.faults.conftest import RecordFault
from tests.infra.nights import (
    NIGHTS,
    commands_of,
    contents,
    contents_of,
    copy_landing,
    land_nights,
    run_in_turn,
    services,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_KILLS = 20
_EVERY_S = 45.0
_BETWEEN = 4
"""So many tasks end well between two kills, however slow the machine: three kills of one task would fail its night."""
_PROCESSES = {"a job": "-m jobs[.]", "an executor": "CoarseGrainedExecutorBackend"}
"""What runs below a service, in its session -> how its command line is recognised."""


def victims(running: Services) -> list[str]:
    """The names of what can be killed."""
    names = [daemon.name for daemon in running.daemons]
    return [*names, *_PROCESSES][: None if "redis" in names else -1]


def kill(running: Services, name: str) -> bool:
    """Kill a service, or a process below one; False if there is none."""
    daemons = {daemon.name: pid for daemon in running.daemons if (pid := daemon.pid)}
    if name in _PROCESSES:
        sessions = ",".join(map(str, daemons.values()))
        listed = ["pgrep", "--session", sessions, "--full", "--", _PROCESSES[name]]
        processes = [
            int(pid) for pid in subprocess.run(listed, capture_output=True, text=True, check=False).stdout.split()
        ]
    else:
        processes = [daemons[name]] if name in daemons else []
    for process in processes[:1]:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return bool(processes)


def ended_well(running: Services) -> int:
    """How many tasks have, of the last runs of the nights; 0 while Airflow does not answer."""
    with suppress(ServiceError):
        runs = running.api.runs("nightly", *NIGHTS)
        tasks = [task for run in runs for task in running.api.tasks("nightly", run["dag_run_id"])]
        return sum(task["state"] == "success" for task in tasks)
    return 0


@pytest.mark.parametrize("profile", ["local", "cluster"])
@pytest.mark.long
def test_nights_end_well(
    profile: str, spark: "SparkSession", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_fault: RecordFault
) -> None:
    disturbed, in_turn = tmp_path / "disturbed", tmp_path / "in-turn"
    land_nights(in_turn, monkeypatch)
    chance = random.Random(5)
    killed: Counter[str] = Counter()
    rounds = 0

    with services(disturbed, monkeypatch, profile) as running:
        copy_landing(in_turn, running, monkeypatch)
        last, ended_then = time.monotonic(), 0
        names: list[str] = []

        def disturb() -> list[str]:
            nonlocal last, ended_then
            if time.monotonic() - last > _EVERY_S:
                ended = ended_well(running)
                ended_then = min(ended, ended_then)
                if ended >= ended_then + _BETWEEN:
                    names[:] = names or chance.sample(victims(running), len(victims(running)))
                    if kill(running, names[-1]):
                        killed[names.pop()] += 1
                        last, ended_then = time.monotonic(), ended
            return running.restart_dead()

        while killed.total() < _KILLS:
            outcome = Backfill(running.api, {"nightly": {}}, *NIGHTS).run(2, disturb)
            assert outcome.unsuccessful == {}
            rounds += 1
        commands = commands_of(running)
        disturbed_contents = contents_of(running, monkeypatch)
    monkeypatch.setenv("NIGHTREEL_HOME", str(in_turn))
    run_in_turn(commands)
    named = ", ".join(f"{name} {times}" for name, times in killed.most_common())
    record_fault(
        f"services killed in the middle, {profile}", f"{named}; {2 * rounds} nights ended well, with the same content"
    )
    assert disturbed_contents == contents(in_turn, monkeypatch)
