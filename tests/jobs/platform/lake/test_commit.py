"""A publication replaces its day, and only that, whatever others commit beside it."""

import datetime as dt
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from pyspark.sql import SparkSession

from jobs.platform.lake import commit
from jobs.platform.lake.foreign_commits import foreign_commits
from jobs.platform.lake.history import publications
from jobs.platform.lake.stage import Unreadable
from schemas.contract import load_contract
from tests import publishing
from tests.jobs.integrity import analyst
from tests.jobs.integrity.analyst import CHANGES, DAYS, REARRANGES, TABLE


@pytest.mark.parametrize("act", [*REARRANGES, *CHANGES])
def test_a_commit_of_others_that_comes_in_between_is_seen(
    home: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    analyst.publish_days()
    others = {**REARRANGES, **CHANGES}
    between: list[dict[dt.date, list[tuple[int, str, float]]]] = []

    def come_between(name: str) -> None:
        if name == "audited" and not between:  # the table was looked at, and is about to be written
            others[act](DeltaTable(analyst.uri()))
            between.append(analyst.read())

    monkeypatch.setattr(commit, "failpoint", come_between)
    analyst.publish_day(DAYS[1], "second")
    (left,) = between
    assert analyst.read() == left | {DAYS[1]: analyst.says(DAYS[1], "second")}
    table = DeltaTable(analyst.uri())
    found = list(foreign_commits(table, analyst.uri(), load_contract(TABLE)))
    assert len(found) + len(publications(analyst.uri())) == table.version()


def test_nobody_loses_a_commit(home: Path, spark: SparkSession) -> None:
    analyst.publish_day(DAYS[0], "first")
    appends = 0

    def append() -> None:
        nonlocal appends
        while appends < 20:
            with suppress(CommitFailedError):  # which tells an analyst to try again
                CHANGES["append"](DeltaTable(analyst.uri()))  # to the second day
                appends += 1

    other = threading.Thread(target=append)
    other.start()
    turns = 0
    while other.is_alive() or turns < 10:
        turns += 1
        analyst.publish_day(DAYS[0], str(turns))
    other.join()
    table = DeltaTable(analyst.uri())
    assert len(list(foreign_commits(table, analyst.uri(), load_contract(TABLE)))) == appends
    assert len(publications(analyst.uri())) == turns + 1
    assert analyst.read() == {
        DAYS[0]: analyst.says(DAYS[0], str(turns)),
        DAYS[1]: sorted(analyst.says(DAYS[1], "extra", 2) * appends),
    }


def test_files_that_a_vacuum_took_before_they_were_published_are_not(home: Path, spark: SparkSession) -> None:
    analyst.publish_day(DAYS[0], "first")
    at, contract = analyst.uri(), load_contract(TABLE)
    staged = publishing.stage(at, contract, DAYS[1], analyst.rows(DAYS[1], "first"))
    DeltaTable(at).vacuum(0, enforce_retention_duration=False, dry_run=False, full=True)
    with pytest.raises(Unreadable, match="was deleted before it was published"):
        commit.commit(at, contract, staged, 0, {})
    assert analyst.read() == {DAYS[0]: analyst.says(DAYS[0], "first")}
