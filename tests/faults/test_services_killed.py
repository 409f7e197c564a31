"""Airflow's scheduler, its API server or Spark killed in the middle of nights: these end well, with the same content."""

import random
import shutil
import signal
import time
from os import kill
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.local.backfill import Backfill
from tests.faults.conftest import RecordFault
from tests.infra.nights import NIGHTS, commands_of, contents, land_nights, run_in_turn, services

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_EVERY_S = 45.0


@pytest.mark.long
def test_nights_end_well(
    spark: "SparkSession", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_fault: RecordFault
) -> None:
    disturbed, in_turn = tmp_path / "disturbed", tmp_path / "in-turn"
    land_nights(disturbed, monkeypatch, views=5_000)
    shutil.copytree(disturbed, in_turn)
    chance = random.Random(5)
    killed: list[str] = []

    with services(disturbed, monkeypatch) as running:
        last = time.monotonic()

        def disturb() -> list[str]:
            nonlocal last
            if time.monotonic() - last > _EVERY_S:
                victim = chance.choice(running.daemons)
                assert victim.pid is not None
                kill(victim.pid, signal.SIGKILL)
                killed.append(victim.name)
                last = time.monotonic()
            return running.keep_up()

        outcome = Backfill(running.api, "nightly", *NIGHTS).run({}, 2, disturb)
        assert outcome.unsuccessful == []
        commands = commands_of(running)
    monkeypatch.setenv("NIGHTREEL_HOME", str(in_turn))
    run_in_turn(commands)
    record_fault("services killed in the middle", f"{len(killed)} kills ({', '.join(killed)}), the same content")
    assert killed
    assert contents(disturbed, monkeypatch) == contents(in_turn, monkeypatch)
