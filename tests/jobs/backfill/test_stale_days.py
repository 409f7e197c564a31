"""A night is stale when a run of now would make it otherwise, and only then; what came late makes nothing stale."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.ads.time_split import TRAINING_DAYS
from jobs.backfill import stale_days
from jobs.backfill.stale_days import Stale
from jobs.features import daily_interactions
from jobs.features.event_window import LONGEST
from jobs.platform import decisions
from jobs.platform.decisions import EMPTY, Decision
from jobs.platform.job_context import JobContext
from jobs.platform.lake.history import latest
from jobs.platform.settings import settings
from jobs.recommend.interactions_as_of import LOOKBACK_DAYS
from schemas.dependencies import days_read
from tests.jobs.backfill.published import publish_night
from tests.jobs.ingest.nights import MAY_1, MAY_2, NOON_MAY_1, ingest, line, write_landing
from tests.jobs.lake import insert_decisions

BRONZE, EVENTS, QUARANTINE, BOOKS = (
    "bronze.behavior_log",
    "silver.behavior_events",
    "silver.quarantine",
    "ops.reconciliation",
)
MAY = [dt.date(2022, 4, 30) + dt.timedelta(days=day) for day in range(32)]
"""MAY[1] is the first of May."""
OUTAGE = Decision(MAY_1, EMPTY, "behavior_logs", "anna", "an outage", dt.datetime(2022, 5, 2, tzinfo=dt.UTC))


def found(until: dt.date = MAY[31]) -> dict[tuple[dt.date, str], str]:
    return {(s.night, s.table): "; ".join(s.reasons) for s in stale_days.stale_days(settings(), until)}


def publish_nights(table: str, nights: Sequence[dt.date]) -> None:
    for night in nights:
        publish_night(table, night, reads=list(days_read(table, night, 3)))


def test_windows_are_those_of_the_jobs() -> None:
    night = MAY[31]
    assert len(days_read("gold.user_features", night, 3)[EVENTS]) == LONGEST
    assert len(days_read("gold.video_features", night, 3)[EVENTS]) == LONGEST
    for reads in ("models.recommender", "gold.recommendations"):
        assert len(days_read(reads, night, 3)["gold.daily_interactions"]) == LOOKBACK_DAYS
    trained_on = days_read("models.click_model", night, 3)["gold.ctr_examples"]
    assert trained_on == [night - dt.timedelta(days=ago) for ago in range(TRAINING_DAYS + 1)]
    assert days_read(EVENTS, MAY[9], 2)[EVENTS] == [MAY[8], MAY[7]]


def test_a_week_follows_from_a_day_and_no_more(home: Path, spark: SparkSession) -> None:
    publish_nights(EVENTS, MAY[1:13])
    publish_nights("gold.user_features", MAY[1:13])
    publish_nights("gold.ctr_examples", MAY[1:13])
    assert found() == {}
    publish_night(EVENTS, MAY[3], reads=[EVENTS])
    assert found() == {}, "the same content again changes nothing"
    publish_night("gold.user_features", MAY[5], 2, reads=[EVENTS])
    assert found() == {(MAY[6], "gold.ctr_examples"): "gold.user_features of 2022-05-05 changed"}
    publish_night(EVENTS, MAY[3], 2, reads=[EVENTS])
    changed = found()
    assert {night for night, table in changed if table == "gold.user_features"} == set(MAY[3:10])
    assert {night for night, table in changed if table == EVENTS} == set(MAY[4:7])
    assert changed[MAY[9], "gold.user_features"] == "silver.behavior_events of 2022-05-03 changed"
    assert {night for night, table in changed if table == "gold.ctr_examples"} == {MAY[3], MAY[6]}
    assert max(night for night, _ in found(until=MAY[5])) == MAY[5]
    publish_night(EVENTS, MAY[3], 1, reads=[EVENTS])
    assert set(found()) == {(MAY[6], "gold.ctr_examples")}, "what is as it was changes nothing"


def test_a_day_that_was_not_there_before_is_a_change(home: Path, spark: SparkSession) -> None:
    publish_nights("gold.video_features", [MAY[2]])
    publish_nights(EVENTS, [MAY[1]])
    assert found() == {(MAY[2], "gold.video_features"): "silver.behavior_events of 2022-05-01 changed"}
    publish_nights("gold.video_features", [MAY[2]])
    publish_nights(EVENTS, [MAY[3]])
    assert found() == {}, "a night is made of nothing that is later"


def test_the_log_s_way_through_the_nights(
    home: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    day = 86_400_000
    write_landing(home, [line(n) for n in range(20)])
    write_landing(home, [*(line(n, time_ms=NOON_MAY_1 + day) for n in range(20)), line(30)], MAY_2)
    for night in (MAY_1, MAY_2):
        ingest(night)
        daily_interactions.main(["--date", str(night)])
    assert found() == {}, "the event that came a day late leaves its own day's night as it was"
    read = {table: set(latest_inputs(table)) for table in (EVENTS, QUARANTINE, BOOKS, "gold.daily_interactions")}
    for table, inputs in read.items():
        assert inputs - {BOOKS} <= set(days_read(table, MAY_2, 3)), "what was read and is not looked at"

    monkeypatch.setenv("NIGHTREEL_LATE_DAYS", "0")
    judged = {(night, table) for night in (MAY_1, MAY_2) for table in (EVENTS, QUARANTINE, BOOKS)}
    assert found() == dict.fromkeys(judged, "NIGHTREEL_LATE_DAYS was 3, is 0")
    monkeypatch.delenv("NIGHTREEL_LATE_DAYS")

    write_landing(home, [line(n) for n in range(21)])
    changed = "the landing of behavior_logs changed"
    assert found() == {(MAY_1, BRONZE): changed, (MAY_1, BOOKS): changed}
    capsys.readouterr()
    stale_days.main(["--date", str(MAY_2)])
    assert capsys.readouterr().out.splitlines() == [f"2022-05-01 {table}: {changed}" for table in (BRONZE, BOOKS)]
    ingest(MAY_1)
    assert set(found()) == {(MAY_1, "gold.daily_interactions"), *((MAY_2, t) for t in (EVENTS, BOOKS))}
    stale_days.main(["--date", str(MAY_2)])
    listed = JobContext(MAY_2, settings()).lake.read("ops.stale_days").collect()
    assert {Stale(row.date, row.table_name, tuple(row.reasons)) for row in listed} == set(
        stale_days.stale_days(settings(), MAY_2)
    )
    assert [row.table_name for row in listed if row.date == MAY_1] == ["gold.daily_interactions"]


@how(max_examples=20, deadline=None)
@given(
    said=st.lists(
        st.tuples(st.sampled_from([MAY_1, MAY_2]), st.booleans(), st.sampled_from(["anna", "bo"])), max_size=8
    )
)
def test_a_night_is_stale_where_its_decision_is_not_the_one_that_it_was_made_by(
    spark: SparkSession, said: list[tuple[dt.date, bool, str]]
) -> None:
    """Its books were made by what anna said of May 1."""
    record = [
        replace(OUTAGE, night=night, withdrawn=withdrawn, who=who, made_at=OUTAGE.made_at + dt.timedelta(days=place))
        for place, (night, withdrawn, who) in enumerate([(MAY_1, False, "anna"), *said])
    ]
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTREEL_HOME", folder)
        insert_decisions(Path(folder), record[0])
        night = JobContext(MAY_1, settings(), writes="ops.backfills")
        decisions.find_decision(night, EMPTY)
        publish_night(BOOKS, MAY_1, rules=night.lake.fingerprints)
        publish_night(BOOKS, MAY_2)
        assert found() == {}
        insert_decisions(Path(folder), *record[1:])
        (last,) = [made for made in record if made.night == MAY_1][-1:]
        why = "withdrawn" if last.withdrawn else "changed" if last.who != "anna" else None
        assert found() == ({(MAY_1, BOOKS): f"the decision on empty of behavior_logs was {why}"} if why else {})


def latest_inputs(table: str) -> dict[str, int]:

    inputs: dict[str, int] = latest(JobContext(MAY_2, settings()).lake.uri(table))[MAY_2].made_by["inputs"]
    return inputs
