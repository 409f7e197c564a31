"""What tables and models declare they are made from fits together, and the order of a night follows from it."""

import datetime as dt
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.ads import REGISTERED_MODEL as CLICK_MODEL
from jobs.ingest.feeds import FEEDS, NIGHTLY
from jobs.recommend import REGISTERED_MODEL as RECOMMENDER
from schemas.contract import load_contract, tables
from schemas.dependencies import (
    days_read,
    must_run_in_sequence,
    sources,
    tables_made_by,
    tables_of_a_night,
    topological_order,
)
from schemas.made_from import LANDING, MODELS, DaysBack, read_made_from
from schemas.models import models

ROOT = Path(__file__).parents[2]
NIGHT = dt.date(2022, 5, 31)
EVENTS = "silver.behavior_events"


def days(*ago: int) -> list[dt.date]:
    return [NIGHT - dt.timedelta(days=number) for number in ago]


@pytest.mark.parametrize(
    ("text", "late_days", "read"),
    [
        (0, 3, days(0)),
        ("1", 3, days(1)),
        ("0-6", 3, days(*range(7))),
        ("1-late", 3, days(1, 2, 3)),
        ("0-late", 2, days(0, 1, 2)),
        ("1-late", 0, []),
    ],
)
def test_days_are_counted_back_from_the_night(text: object, late_days: int, read: list[dt.date]) -> None:
    (back,) = read_made_from({EVENTS: text}).values()
    assert back.of(NIGHT, late_days) == read
    assert str(back) == str(text)
    assert back.earlier is (str(text) != "0")


def test_a_feed_may_land_once() -> None:
    assert read_made_from({"landing.watch_history": "once"}) == {"landing.watch_history": DaysBack(0, 0, once=True)}
    assert read_made_from(None) == {}


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"users": 0}, "'users' is not a source; write LAYER.TABLE, landing.FEED or models.MODEL"),
        ({"silver.users": "week"}, "silver.users: 'week' is not valid; write 0, 1, 0-6 or 1-late"),
        ({"silver.users": -1}, "'-1' is not valid"),
        ({"silver.users": None}, "'None' is not valid"),
        ({"silver.users": "once"}, "'once' is not valid"),
        ({"silver.users": "6-0"}, "'6-0' ends before it begins; write 0-6"),
        (["silver.users"], "write a mapping of sources and days"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_what_to_write(declared: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_made_from(declared)  # type: ignore[arg-type]


def test_every_table_is_made_by_a_job_that_there_is() -> None:
    for table in tables():
        module = ROOT / "jobs" / f"{load_contract(table).made_by.replace('.', '/')}.py"
        assert "writes=" in module.read_text(encoding="utf-8")
        assert tables_made_by(load_contract(table).made_by) == (table,), "a job writes one table"
    for model in models().values():
        for job in filter(None, (model.trained_by, model.promoted_by)):
            assert (ROOT / "jobs" / f"{job.replace('.', '/')}.py").is_file()
    assert {RECOMMENDER, CLICK_MODEL} < set(models())


def test_the_feeds_of_the_landing_are_all_read_and_those_that_land_every_night_are_known() -> None:
    read: dict[str, bool] = {}
    for table in tables():
        for source, back in sources(table).items():
            if source.startswith(LANDING):
                read[source.removeprefix(LANDING)] = back.once
    assert read.keys() == FEEDS.keys()
    assert not any(read[feed] for feed in NIGHTLY)
    assert {"behavior_logs", "users", "watch_history"} <= {name for name, feed in FEEDS.items() if feed.personal}


def test_each_comes_after_what_it_is_made_from() -> None:
    order = topological_order()
    assert set(order) == {*tables(), *(MODELS + name for name in models())}
    for place, name in enumerate(order):
        tonight = {s for s, days in sources(name).items() if days.first == 0 and not s.startswith(LANDING)}
        assert tonight <= {*order[: place + 1]}


def test_a_night_writes_what_can_be_traced_back_to_its_landing() -> None:
    by_hand = {"gold.training_clips", "ops.backfills", "ops.decisions", "ops.stale_days"}
    assert set(tables_of_a_night()) == set(tables()) - by_hand - {"silver.watch_history"}
    assert sorted(tables_of_a_night(), key=topological_order().index) == list(tables_of_a_night())


def test_the_days_of_each_table_are_read() -> None:
    assert days_read(EVENTS, NIGHT, 2) == {"bronze.behavior_log": days(0), EVENTS: days(1, 2)}
    assert days_read("models.click_model", NIGHT, 3) == {"gold.ctr_examples": days(*range(8))}
    assert "models.recommender" not in days_read("gold.recommendations", NIGHT, 3)
    assert must_run_in_sequence("gold.ctr_examples")
    assert not must_run_in_sequence("gold.user_features"), "the day before only"


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "silver/users.yaml",
            "landing.users: 0",
            "landing.users: x",
            "schemas/silver/users.yaml: madeFrom: landing.users",
        ),
        (
            "silver/users.yaml",
            "value: ingest.users",
            "value: users",
            "schemas/silver/users.yaml: madeBy: 'users' is not a job",
        ),
        ("silver/users.yaml", "property: madeBy", "property: madeby", "the contract of silver.users lacks 'madeBy'"),
        (
            "silver/users.yaml",
            "value: whole",
            "value: part",
            "user_id: pseudonym is 'part'; write one of whole, begins",
        ),
        (
            "silver/users.yaml",
            "landing.users: 0",
            "gold.nothing: 0",
            "silver.users is made from gold.nothing, which has no contract",
        ),
        (
            "silver/users.yaml",
            "landing.users: 0",
            "gold.ctr_examples: 0",
            "madeFrom contains a cycle: silver.users from gold.ctr_examples from silver.users",
        ),
        ("silver/users.yaml", "landing.users: 0", "models.x: 0", "schemas/models.yaml has no 'x'; it has recommender"),
        ("models.yaml", "gold.ctr_examples: 0-7", "gold.ctr_examples: all", "click_model: madeFrom: gold.ctr_examples"),
        (
            "models.yaml",
            "trainedBy: ads.train",
            "trained: ads.train",
            "schemas/models.yaml: click_model lacks 'trainedBy'",
        ),
    ],
)
def test_what_does_not_fit_together_is_one_line(tmp_path: Path, file: str, old: str, new: str, message: str) -> None:
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    path = tmp_path / "schemas" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    program = "from schemas.dependencies import tables_of_a_night; tables_of_a_night()"
    asked = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert asked.stderr.splitlines()[-1].startswith("schemas.contract.ContractError: ")
    assert message in asked.stderr.splitlines()[-1]


def test_whoever_asks_needs_none_of_the_jobs_libraries() -> None:
    program = "import schemas.dependencies, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    asked = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"jobs", "pyspark", "pyarrow", "deltalake", "numpy"}.isdisjoint(asked.stdout.split())
