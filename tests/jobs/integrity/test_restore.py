"""`make restore` takes back what others changed, and nothing else."""

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.platform.errors import BadInput
from jobs.platform.lake import commit
from jobs.platform.lake.restore import restore
from jobs.platform.lake.verify import verify
from jobs.platform.settings import settings
from schemas.contract import load_contract
from tests.jobs.integrity import analyst
from tests.jobs.integrity.analyst import CHANGES, DAYS, REARRANGES, SQL_CHANGES, SQL_RESHAPES, TABLE

FIRST = {day: analyst.says(day, "first") for day in DAYS}


@pytest.fixture
def published(home: Path, spark: SparkSession) -> None:
    """A table whose days were published, the first of them twice."""
    analyst.publish_days()


def restored() -> list[str]:
    """What `make restore` says that it did; afterwards there is nothing left to do."""
    done = list(restore(settings(), TABLE, {"run": "test"}))
    assert list(verify(settings(), TABLE)) == []
    assert list(restore(settings(), TABLE, {"run": "test"})) == []
    return done


@pytest.mark.parametrize("act", REARRANGES)
def test_rows_laid_anew_stay_so(published: None, act: str) -> None:
    REARRANGES[act](DeltaTable(analyst.uri()))
    version = DeltaTable(analyst.uri()).version()
    assert restored() == []
    assert DeltaTable(analyst.uri()).version() == version


@pytest.mark.parametrize("act", CHANGES)
def test_changes_are_taken_back_by_new_commits(published: None, act: str) -> None:
    CHANGES[act](DeltaTable(analyst.uri()))
    changed, there = DeltaTable(analyst.uri()).version(), analyst.read()
    done = restored()
    assert done
    assert analyst.read() == FIRST
    assert DeltaTable(analyst.uri()).version() == changed + len(done)
    DeltaTable(analyst.uri()).restore(changed)  # what others wrote can still be had
    assert analyst.read() == there


def test_a_day_whose_retention_was_over_is_not_brought_back(published: None) -> None:
    commit.drop(analyst.uri(), load_contract(TABLE), DAYS[1], commit.token(analyst.uri(), DAYS[1]), {})
    CHANGES["append"](DeltaTable(analyst.uri()))
    assert restored() == [f"{TABLE} {DAYS[1]}: removed, because its retention has ended"]
    assert analyst.read() == {day: FIRST[day] for day in (DAYS[0], DAYS[2])}


def test_a_day_whose_published_files_were_vacuumed_is_named(published: None) -> None:
    CHANGES["update"](DeltaTable(analyst.uri()))
    REARRANGES["vacuum"](DeltaTable(analyst.uri()))
    with pytest.raises(BadInput, match=f"no undamaged copy of {DAYS[0]}, {DAYS[1]}, {DAYS[2]} is left; rerun"):
        list(restore(settings(), TABLE, {"run": "test"}))
    for day in DAYS:
        analyst.publish_day(day, "first")
    assert restored() == []


@pytest.mark.parametrize("shape", SQL_RESHAPES)
def test_a_table_of_another_shape_gets_back_its_own(published: None, spark: SparkSession, shape: str) -> None:
    analyst.in_spark(spark, SQL_RESHAPES[shape])
    analyst.in_spark(spark, SQL_CHANGES["DELETE"])
    (damage,) = verify(settings(), TABLE)
    assert " since version 5, " in damage.what
    done = restored()
    assert done[0].startswith(f"{TABLE}: restored its schema from before version 5, ")
    assert analyst.read() == FIRST
    analyst.publish_day(DAYS[0], "second")
    assert analyst.read()[DAYS[0]] == analyst.says(DAYS[0], "second")


@hypothesis_settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(st.sampled_from([*REARRANGES, *CHANGES, "publish"]), max_size=7))
@example(acts=["compact", "vacuum", "restore"])  # a version whose files are gone
def test_whatever_others_do_in_whatever_order(
    home: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, acts: list[str]
) -> None:
    """Damage is found on exactly the days that do not hold what was published; afterwards each does, or is named as lost."""
    monkeypatch.setenv("NIGHTREEL_LAKE", tempfile.mkdtemp(dir=home))  # Spark remembers tables by their path
    analyst.publish_days()
    said = {day: ["first"] for day in DAYS} | {DAYS[0]: ["old", "first"]}
    for number, act in enumerate(acts):
        if act == "publish":
            day, text = DAYS[number % len(DAYS)], f"again {number}"
            analyst.publish_day(day, text)
            said[day].append(text)
        else:
            with suppress(DeltaError):  # some need files that others have deleted
                {**REARRANGES, **CHANGES}[act](DeltaTable(analyst.uri()))
    there, right = analyst.read(), {day: analyst.says(day, texts[-1]) for day, texts in said.items()}
    wrong = {day for day in there.keys() | right.keys() if there.get(day) != right.get(day)}
    assert {damage.day for damage in verify(settings(), TABLE)} == wrong
    lost = ""
    try:
        list(restore(settings(), TABLE, {"run": "test"}))
    except BadInput as error:
        lost = str(error)
    there = analyst.read()
    assert there.keys() <= right.keys()
    for day in DAYS:
        if str(day) not in lost:
            assert there[day] in ([analyst.says(day, text) for text in said[day]] if "vacuum" in acts else [right[day]])
    assert all(str(damage.day) in lost for damage in verify(settings(), TABLE))
    assert not lost or "vacuum" in acts
