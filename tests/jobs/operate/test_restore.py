"""`make restore` takes back what others changed, and nothing else."""

import shutil
from pathlib import Path

import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.operate.restore import restore
from jobs.operate.verify import verify
from jobs.platform import publish
from jobs.platform.errors import BadInput
from jobs.platform.settings import settings
from schemas.contract import contract
from tests.jobs.operate import analyst
from tests.jobs.operate.analyst import CHANGES, DAYS, REARRANGES, SQL_CHANGES, SQL_RESHAPES, TABLE

FIRST = {day: analyst.says(day, "first") for day in DAYS}


@pytest.fixture
def published(home: Path, spark: SparkSession) -> None:
    """A table whose days were published, the first of them twice."""
    for day, said in [(DAYS[0], "old"), *((day, "first") for day in DAYS)]:
        analyst.publish_day(day, said)


def restored() -> list[str]:
    """What `make restore` says that it did; afterwards there is nothing left to do."""
    done = list(restore(settings(), TABLE))
    assert list(verify(settings(), TABLE)) == []
    assert list(restore(settings(), TABLE)) == []
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
    publish.drop(analyst.uri(), contract(TABLE), DAYS[1], publish.token(analyst.uri(), DAYS[1]), {})
    CHANGES["append"](DeltaTable(analyst.uri()))
    assert restored() == [f"{TABLE} {DAYS[1]}: taken out, since its retention is over"]
    assert analyst.read() == {day: FIRST[day] for day in (DAYS[0], DAYS[2])}


def test_a_day_whose_published_files_were_vacuumed_is_named(published: None) -> None:
    CHANGES["update"](DeltaTable(analyst.uri()))
    REARRANGES["vacuum"](DeltaTable(analyst.uri()))
    with pytest.raises(BadInput, match=f"no sound copy is left of {DAYS[0]}, {DAYS[1]}, {DAYS[2]}; run again"):
        list(restore(settings(), TABLE))
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
    assert done[0].startswith(f"{TABLE}: back to its shape before version 5, ")
    assert analyst.read() == FIRST
    analyst.publish_day(DAYS[0], "second")
    assert analyst.read()[DAYS[0]] == analyst.says(DAYS[0], "second")


_acts = st.sampled_from([*REARRANGES, *CHANGES, *(("publish", day) for day in DAYS)])


@hypothesis_settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(acts=st.lists(_acts, max_size=7))
def test_whatever_others_do_in_whatever_order(
    home: Path, spark: SparkSession, acts: list[str | tuple[str, object]]
) -> None:
    """Damage is found on exactly the days that do not hold what was published; afterwards each does, or is named as lost."""
    shutil.rmtree(analyst.uri(), ignore_errors=True)
    said: dict[object, list[str]] = {day: ["old", "first"] if day == DAYS[0] else ["first"] for day in DAYS}
    for day in DAYS:
        for text in said[day]:
            analyst.publish_day(day, text)
    for number, act in enumerate(acts):
        if isinstance(act, tuple):
            day = next(day for day in DAYS if day == act[1])
            analyst.publish_day(day, f"again {number}")
            said[day].append(f"again {number}")
        else:
            {**REARRANGES, **CHANGES}[act](DeltaTable(analyst.uri()))
    there = analyst.read()
    wrong = {day for day in {*there, *DAYS} if day not in DAYS or there.get(day) != analyst.says(day, said[day][-1])}
    assert {damage.day for damage in verify(settings(), TABLE)} == wrong
    lost = ""
    try:
        list(restore(settings(), TABLE))
    except BadInput as error:
        lost = str(error)
        assert "vacuum" in acts
    there = analyst.read()
    assert {*there} <= {*DAYS}
    for day in DAYS:
        if str(day) not in lost:
            sound = said[day] if "vacuum" in acts else said[day][-1:]
            assert there[day] in [analyst.says(day, text) for text in sound]
    assert {str(damage.day) for damage in verify(settings(), TABLE)} <= {
        *lost.replace(";", ",").replace(",", "").split()
    }
