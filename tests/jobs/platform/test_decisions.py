"""The last decision on a matter counts, for its night only, and what goes by it says so."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.ads import REGISTERED_MODEL as CLICK_MODEL
from jobs.ingest.feeds import NIGHTLY, RECONCILED
from jobs.platform import decisions
from jobs.platform.decisions import EMPTY, LABELS, MODEL, SNAPSHOT, SUBJECTS, TABLE, VOLUME, Decision
from jobs.platform.errors import UsageError
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.recommend import REGISTERED_MODEL as RECOMMENDER
from jobs.video.generators import REGISTERED_MODEL as VIDEO_GENERATOR
from schemas.contract import load_contract
from tests.jobs.lake import insert_decisions

MAY_1, MAY_2 = dt.date(2022, 5, 1), dt.date(2022, 5, 2)
SALE = Decision(MAY_1, VOLUME, "behavior_logs", "anna", "a sale", dt.datetime(2022, 5, 2, 9, tzinfo=dt.UTC))

matters = st.sampled_from([(kind, subject) for kind, subjects in SUBJECTS.items() for subject in subjects])
said = st.builds(
    lambda night, matter, who, withdrawn: replace(
        SALE, night=night, kind=matter[0], subject=matter[1], who=who, withdrawn=withdrawn
    ),
    st.sampled_from([MAY_1, MAY_2]),
    matters,
    st.sampled_from(["anna", "bo"]),
    st.booleans(),
)


@given(st.lists(said, max_size=12))
def test_the_last_word_on_a_matter_counts_unless_it_takes_back(record: list[Decision]) -> None:
    expected: dict[decisions.Key, Decision] = {}
    for made in record:
        key = (made.night, made.kind, made.subject)
        expected.pop(key, None)
        if not made.withdrawn:
            expected[key] = made
    assert decisions.in_force(record) == expected


def test_a_lake_without_decisions_has_none_and_remembers_no_input(home: Path) -> None:
    night = JobContext(MAY_1, settings())
    assert decisions.find_decision(night, EMPTY) is None
    assert decisions.read_decisions(settings()) == []
    assert (night.lake.inputs, night.lake.fingerprints) == ({}, {})


def test_what_is_on_record_is_read_back_the_oldest_first(home: Path) -> None:
    later = replace(SALE, who="bo", withdrawn=True, made_at=SALE.made_at + dt.timedelta(milliseconds=1))
    insert_decisions(home, later, SALE)
    insert_decisions(home, replace(SALE, night=MAY_2))
    assert decisions.read_decisions(settings(), MAY_1) == [SALE, later]
    assert len(decisions.read_decisions(settings())) == 3


def test_a_decision_is_an_input_and_a_rule_of_what_goes_by_it_and_of_nothing_else(home: Path) -> None:
    insert_decisions(home, SALE)
    night = JobContext(MAY_1, settings())
    assert decisions.find_decision(night, VOLUME, "users") is None
    assert decisions.find_decision(night, MODEL, "recommender") is None
    assert decisions.find_decision(JobContext(MAY_2, settings()), VOLUME, "behavior_logs") is None
    assert (night.lake.inputs, night.lake.fingerprints) == ({}, {})
    assert decisions.find_decision(night, VOLUME, "behavior_logs") == SALE
    assert night.lake.inputs == {TABLE: 0}
    assert night.lake.fingerprints == {
        "decision on volume of behavior_logs": "the volume of behavior_logs is right, as anna decided: a sale"
    }


def test_a_job_that_has_gone_by_a_decision_reads_on_at_that_version(home: Path) -> None:
    insert_decisions(home, SALE)
    night = JobContext(MAY_1, settings())
    decisions.find_decision(night, VOLUME, "behavior_logs")
    insert_decisions(home, replace(SALE, withdrawn=True, made_at=SALE.made_at + dt.timedelta(days=1)))
    assert decisions.find_decision(night, VOLUME, "behavior_logs") == SALE
    assert decisions.find_decision(JobContext(MAY_1, settings()), VOLUME, "behavior_logs") is None


def test_what_follows_from_a_decision_depends_on_it_before_there_is_one(home: Path) -> None:
    night = JobContext(MAY_1, settings())
    decisions.depend_on(night, MODEL, "recommender")
    assert night.lake.fingerprints == {"decision on model of recommender": ""}
    insert_decisions(home, replace(SALE, kind=MODEL, subject="recommender"))
    decisions.depend_on(night, MODEL, "recommender")
    assert night.lake.fingerprints == {
        "decision on model of recommender": "the recommender of before stays, as anna decided: a sale"
    }


@pytest.mark.parametrize(
    ("kind", "subject", "says"),
    [
        ("right", "", "AS=right"),
        (VOLUME, "", "OF=: "),
        (SNAPSHOT, "behavior_logs", "OF=behavior_logs"),
        (EMPTY, "x", "OF=x"),
    ],
)
def test_an_unknown_matter_is_refused_with_those_that_there_are(kind: str, subject: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        decisions.subject_of(kind, subject)
    assert all(known in str(refused.value) for known in SUBJECTS.get(kind, SUBJECTS))


def test_the_hint_is_a_command_with_all_that_it_needs() -> None:
    assert decisions.hint(MAY_2, LABELS) == "make accept DATE=2022-05-02 AS=labels OF=click_model WHY=…"
    assert decisions.hint(MAY_2, VOLUME, "users") == "make accept DATE=2022-05-02 AS=volume OF=users WHY=…"


def test_subjects_are_feeds_of_the_landing_and_registered_models() -> None:
    feeds = set(NIGHTLY)
    assert set(SUBJECTS[VOLUME]) == set(RECONCILED)
    assert {*SUBJECTS[EMPTY], *SUBJECTS[SNAPSHOT]} == feeds
    assert SUBJECTS[MODEL] == (RECOMMENDER, CLICK_MODEL, VIDEO_GENERATOR)
    assert SUBJECTS[LABELS] == (CLICK_MODEL,)
    (of_contract,) = [rule.expression for rule in load_contract(TABLE).rules if rule.name == "kind_is_known"]
    assert [kind for kind in SUBJECTS if f"'{kind}'" in of_contract] == list(SUBJECTS)
