"""`make verify` tells what others did to a table, and whether the rows are still those that were published."""

import datetime as dt
import re
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from jobs.integrity import maintenance, verify
from jobs.platform.job_context import JobContext
from jobs.platform.lake.vacuum import vacuum
from jobs.platform.lake.verify import verify as damages
from jobs.platform.settings import settings
from tests.jobs.integrity import analyst
from tests.jobs.integrity.analyst import CHANGES, DAYS, REARRANGES, SQL_CHANGES, SQL_REARRANGES, TABLE


@pytest.fixture
def published(home: Path, spark: SparkSession) -> None:
    """A table whose days were published, the first of them twice."""
    analyst.publish_days()


def verified(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    """Exit code and lines of `make verify`."""
    code = 0
    try:
        verify.main(["--table", TABLE, *arguments])
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, capsys.readouterr().out.splitlines()


def changed_days() -> set[dt.date]:
    """The days whose rows are not those that were published, by reading them."""
    there = analyst.read()
    return {day for day in {*there, *DAYS} if there.get(day) != (analyst.says(day, "first") if day in DAYS else None)}


def test_what_nobody_touched_needs_no_line(published: None, capsys: pytest.CaptureFixture[str]) -> None:
    vacuum(analyst.uri(), ())
    assert verified(capsys) == (0, ["all that was published is intact"])


@pytest.mark.parametrize("act", REARRANGES)
def test_rows_laid_anew_are_no_damage(published: None, act: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = DeltaTable(analyst.uri()).version()
    REARRANGES[act](DeltaTable(analyst.uri()))
    made = DeltaTable(analyst.uri()).version() - before
    code, lines = verified(capsys)
    assert code == 0
    assert len(lines) == made + 1
    engine = r"with delta-rs:\S+"
    what = "days as published: 3" if act in {"compact", "z-order"} else "no rows touched"
    for line in lines[:-1]:
        assert re.fullmatch(rf"{TABLE}: version \d+, [\d-]+ [\d:]+ UTC, [A-Z ]+ by \S+ {engine}: {what}", line)


@pytest.mark.parametrize("act", CHANGES)
def test_changed_rows_are_damage(published: None, act: str, capsys: pytest.CaptureFixture[str]) -> None:
    CHANGES[act](DeltaTable(analyst.uri()))
    changed = changed_days()
    assert changed
    code, lines = verified(capsys)
    assert code == 65
    assert [line.partition(": ")[0] for line in lines[:-1]] == [f"{TABLE} {day}" for day in sorted(changed)]
    assert f"days that differ from what was published: {', '.join(map(str, sorted(changed)))}" in lines[-1]


def test_what_is_done_in_spark_is_told_as_well(
    published: None, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    for statement in SQL_REARRANGES.values():
        analyst.in_spark(spark, statement)
    code, (*lines, _) = verified(capsys)
    assert (code, len(lines)) == (0, 2)
    assert " OPTIMIZE by " in lines[0]
    assert lines[0].endswith(", comment 'a trial': days as published: 3")
    assert re.search(r"with Apache-Spark/\S+ Delta-Lake/", lines[0])
    for operation, statement in SQL_CHANGES.items():
        analyst.in_spark(spark, statement)
        changed = changed_days()
        code, lines = verified(capsys)
        assert code == 65
        assert f" UTC, {operation} by " in lines[-1]
        assert {line.partition(": ")[0] for line in lines[: len(changed)]} == {f"{TABLE} {day}" for day in changed}


def test_a_day_that_was_published_again_is_sound(published: None, capsys: pytest.CaptureFixture[str]) -> None:
    CHANGES["update"](DeltaTable(analyst.uri()))
    for day in DAYS[:2]:
        analyst.publish_day(day, "first")
    code, lines = verified(capsys)
    assert code == 65
    assert [line.partition(": ")[0] for line in lines[:-1]] == [f"{TABLE} {DAYS[2]}"]
    assert lines[-1].endswith(f"days that differ from what was published: {DAYS[2]}; days published again since: 2")
    assert verified(capsys, "--day", str(DAYS[0]))[0] == 0


def test_files_that_a_vacuum_should_have_left_are_damage(published: None, capsys: pytest.CaptureFixture[str]) -> None:
    REARRANGES["compact"](DeltaTable(analyst.uri()))
    (lost, *_) = DeltaTable(analyst.uri()).file_uris(file_pruning_predicate=f"arrival_date = '{DAYS[1]}'")
    Path(lost).unlink()
    code, lines = verified(capsys)
    assert code == 65
    assert lines[0] == f"{TABLE} {DAYS[1]}: {lost} is missing"
    assert lines[1].endswith(f"days that differ from what was published: {DAYS[1]}; days as published: 2")


def test_a_remark_of_ours_that_others_make_is_theirs(published: None, capsys: pytest.CaptureFixture[str]) -> None:
    from deltalake import CommitProperties

    for remark in ("[5]", "5", '{"attempt": 1}', "{", '"by"', '{"by": "me"}'):
        properties = CommitProperties(custom_metadata={"userMetadata": remark})
        DeltaTable(analyst.uri()).delete("campaign_id = -1 or name = 'nobody'", commit_properties=properties)
        DeltaTable(analyst.uri()).alter.set_table_properties(
            {"who": "me"}, raise_if_not_exists=False, commit_properties=properties
        )
        code, lines = verified(capsys)
        assert code == 0
        assert f"comment {remark!r}" in lines[-2]


def test_jobs_go_on_with_a_table_laid_anew(published: None, spark: SparkSession) -> None:
    REARRANGES["z-order"](DeltaTable(analyst.uri()))
    analyst.publish_day(DAYS[0], "second")
    analyst.in_spark(spark, SQL_REARRANGES["optimize"])
    maintenance._compact(JobContext(DAYS[2] + dt.timedelta(days=1), settings()), TABLE, DAYS[1])
    assert analyst.read() == {
        DAYS[0]: analyst.says(DAYS[0], "second"),
        DAYS[1]: analyst.says(DAYS[1], "first"),
        DAYS[2]: analyst.says(DAYS[2], "first"),
    }
    assert list(damages(settings(), TABLE)) == []
