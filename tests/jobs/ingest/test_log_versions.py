"""Every version of a log stays readable: whatever columns come, go and move over the nights, in whatever order these are run."""

import datetime as dt
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pyspark.sql import SparkSession

import schemas.contract
from jobs.ingest import behavior_events, behavior_log
from jobs.ingest.behavior_rows import EVENTS
from jobs.ingest.feeds import BEHAVIOR_LOGS, NIGHTLY
from jobs.platform.job_context import JobContext
from jobs.platform.lake.history import latest
from jobs.platform.settings import settings
from tests.jobs.ingest.nights import HEADER, MAY_1, NOON_MAY_1, line, write_feed

NIGHTS = [MAY_1 + dt.timedelta(days=day) for day in range(3)]
NEW = "watch_source"
"""A column that the contract gains."""
OTHERS = ("device", "network")
"""Columns that no contract knows."""


@pytest.fixture
def contracts(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of contracts that the jobs read, a copy to be changed."""
    folder = tmp_path_factory.mktemp("contracts")
    shutil.copytree(schemas.contract._FOLDER, folder, dirs_exist_ok=True)
    monkeypatch.setattr(schemas.contract, "_FOLDER", folder)
    yield folder
    schemas.contract.load_contract.cache_clear()


def set_column(contracts: Path, known: bool) -> None:
    """Have the contract of the events know the new column, or not."""
    original = Path(schemas.contract.__file__).parent / "silver" / "behavior_events.yaml"
    text = original.read_text(encoding="utf-8")
    column = (
        f"  - name: {NEW}\n    logicalType: string\n    physicalType: string\n    description: What led to the video.\n"
    )
    changed = text.replace("  - name: log_file\n", f"{column}  - name: log_file\n", 1)
    (contracts / "silver" / "behavior_events.yaml").write_text(changed if known else text, encoding="utf-8")
    schemas.contract.load_contract.cache_clear()


def fields_of(user: int, night: dt.date, columns: list[str]) -> dict[str, str]:
    text = line(user, time_ms=NOON_MAY_1 + (night - MAY_1).days * 86_400_000)
    known = dict(zip(HEADER.split(","), text.split(","), strict=True))
    return {name: known.get(name, f"{name} of {user}") for name in columns}


@examples(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(chance=st.randoms(use_true_random=False), gained_before=st.integers(0, 3))
def test_whatever_columns_a_night_has_its_rows_are_right(
    home: Path, spark: SparkSession, contracts: Path, chance: random.Random, gained_before: int
) -> None:
    """The contract gains the column before the run of that number; nights run before are run once more after all others."""
    shutil.rmtree(home / "lake", ignore_errors=True)
    shutil.rmtree(home / "landing", ignore_errors=True)
    landed_columns: dict[dt.date, list[str]] = {}
    for night in NIGHTS:
        columns = [*NIGHTLY[BEHAVIOR_LOGS].required, *(name for name in (NEW, *OTHERS) if chance.random() < 0.5)]
        chance.shuffle(columns)
        rows = [",".join(fields_of(user, night, columns).values()) for user in range(3)]
        write_feed(home, BEHAVIOR_LOGS, rows, night, ",".join(columns))
        landed_columns[night] = columns
    order = chance.sample(NIGHTS, len(NIGHTS))
    for number, night in enumerate([*order, *order[:gained_before]]):
        set_column(contracts, known=number >= gained_before)
        if number < len(order):  # what was kept of a night before the contract changed is enough
            behavior_log.main(["--date", str(night)])
        behavior_events.main(["--date", str(night)])

    set_column(contracts, known=True)
    events = JobContext(MAY_1, settings()).lake.read(EVENTS).collect()
    found = sorted((row.arrival_date, row.play_time_ms, row[NEW]) for row in events)
    assert found == sorted(
        (night, 5000, f"{NEW} of {user}" if NEW in columns else None)
        for night, columns in landed_columns.items()
        for user in range(3)
    )
    assert len(latest(settings().uri(EVENTS))) == len(NIGHTS)
