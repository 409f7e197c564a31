"""A job reads what its table or model declares; what it does not declare, it cannot read."""

import datetime as dt
from pathlib import Path

import pytest

from jobs.ingest import landed
from jobs.platform.errors import UndeclaredInput
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from tests.jobs.ingest.nights import MAY_1, MAY_2
from tests.jobs.lake import insert_rows

EVENTS, FEATURES = "silver.behavior_events", "gold.user_features"


@pytest.fixture(autouse=True)
def lake(home: Path) -> None:
    for table in (EVENTS, "silver.users", FEATURES):
        day = "date" if table == FEATURES else "arrival_date"
        insert_rows(home, table, [{day: MAY_1}])


def test_a_job_reads_the_days_that_its_table_declares_and_its_own_table() -> None:
    night = JobContext(MAY_2, settings(), writes=FEATURES)
    assert night.lake.days(EVENTS) == {MAY_1}
    assert [night.lake.count_rows(EVENTS, days) for days in ([MAY_1, MAY_2], [MAY_2])] == [1, 0]
    assert not night.lake.has_day(EVENTS, MAY_2)
    assert night.lake.has_day(EVENTS, MAY_2 - dt.timedelta(days=1))
    assert night.lake.arrow(FEATURES).count_rows() == 1


def test_a_table_that_is_not_declared_is_refused_with_what_to_do() -> None:
    night = JobContext(MAY_1, settings(), writes=FEATURES)
    message = (
        r"^gold\.user_features reads silver\.users, which it does not declare; "
        r"add it to madeFrom in schemas/gold/user_features\.yaml$"
    )
    for read in (night.lake.exists, night.lake.days, night.lake.read, night.lake.read_day, night.lake.arrow):
        with pytest.raises(UndeclaredInput, match=message):
            read("silver.users")
    assert night.lake.inputs == {}


def test_a_day_that_is_not_declared_is_refused() -> None:
    night = JobContext(MAY_2, settings(), writes="gold.ctr_examples")
    assert not night.lake.has_day(EVENTS, MAY_2)
    message = (
        "reads silver.behavior_events of 2022-05-01, 1 days back, but declares 0; correct madeFrom in schemas/gold/ctr"
    )
    with pytest.raises(UndeclaredInput, match=message):
        night.lake.read_day(EVENTS, MAY_1)
    with pytest.raises(UndeclaredInput, match=r"-1 days back"):
        JobContext(MAY_1, settings(), writes=FEATURES).lake.has_day(EVENTS, MAY_2)


def test_a_feed_that_is_not_declared_is_refused() -> None:
    with pytest.raises(UndeclaredInput, match=r"^silver\.users reads landing\.videos, which it does not declare"):
        JobContext(MAY_1, settings(), writes="silver.users").lake.record_landed("videos", "digest")
    assert "context.lake.record_landed(" in Path(landed.__file__).read_text(encoding="utf-8")


def test_a_training_job_reads_what_its_model_declares() -> None:
    night = JobContext(MAY_1, settings(), trains="click_model")
    assert not night.lake.exists("gold.ctr_examples")
    with pytest.raises(UndeclaredInput, match=r"^models\.click_model reads silver\.users.*in schemas/models\.yaml$"):
        night.lake.read("silver.users")


def test_a_job_that_makes_nothing_reads_everything() -> None:
    assert JobContext(MAY_1, settings()).lake.arrow("silver.users").count_rows() == 1


def test_the_command_line_ends_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, run_job(["--date", str(MAY_1)], "", writes=FEATURES) as night:
        night.lake.read("silver.users")
    assert ended.value.code == 70
    assert capsys.readouterr().err.startswith("error: gold.user_features reads silver.users, which it does not declare")
