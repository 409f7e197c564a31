"""Whole nights that hardly hold anything: each runs by itself, and so does the ordinary one after it."""

import datetime as dt
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.backfill.accept import accept
from jobs.backfill.plan import NEW, expected_changes
from jobs.backfill.stale_days import stale_days
from jobs.ingest.feeds import NIGHTLY
from jobs.platform import decisions
from jobs.platform.job_context import JobContext
from jobs.platform.lake.verify import verify
from jobs.platform.settings import settings
from jobs.report.summary import summary
from schemas.contract import load_contract
from schemas.dependencies import tables_of_a_night
from tests.jobs import small_nights
from tests.jobs.ingest.nights import SNAPSHOTS

FIRST, EMPTY, LAST = (dt.date(2022, 5, day) for day in range(1, 4))


def _rows(date: dt.date, table: str) -> int:
    return JobContext(date, settings()).lake.read_day(table).count()


def _said(date: dt.date, capsys: pytest.CaptureFixture[str]) -> str:
    """What the night's jobs and its summary printed."""
    return " ".join([capsys.readouterr().out, *summary(settings(), date)])


@pytest.mark.slow
def test_thin_nights_one_after_another(
    home: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NIGHTREEL_SOURCE", "landing")

    # One user, whom no snapshot has, and one video, without tags; no click, and a campaign of a video that is not there.
    small_nights.write_landing(
        home,
        FIRST,
        small_nights.lines(FIRST, 30, users=1, videos=1, clicks=()),
        users=range(101, 105),
        videos=[1],
        tag="",
        campaigns=[(1, 77)],
    )
    small_nights.run(FIRST)
    assert "no model serves yet: the night has no click, so no candidate could be trained" in _said(FIRST, capsys)
    for table in ("gold.audience_segments", "gold.recommendations", "gold.video_requests"):
        assert _rows(FIRST, table) == 0

    # Nothing at all came, the snapshots neither, and somebody says so.
    with pytest.raises(SystemExit) as ended:
        small_nights.run(EMPTY)
    assert ended.value.code == 66
    assert f"make accept DATE={EMPTY} AS=empty OF=behavior_logs WHY=…" in capsys.readouterr().err
    for kind, subject in ((decisions.EMPTY, "behavior_logs"), *((decisions.SNAPSHOT, feed) for feed in SNAPSHOTS)):
        accept(JobContext(EMPTY, settings(), writes=decisions.TABLE), kind, subject, "ann", "the data centre was down")
    small_nights.run(EMPTY)
    books = JobContext(EMPTY, settings()).lake.read_day("ops.reconciliation").collect()
    decided = {row.source for row in books if (row.decision or "").endswith("as ann decided: the data centre was down")}
    assert decided == {feed.table for feed in NIGHTLY.values()}
    assert "no model serves yet: the night has no impression" in _said(EMPTY, capsys)
    for table in ("silver.behavior_events", "silver.quarantine", "gold.ctr_examples", "gold.audience_segments"):
        assert _rows(EMPTY, table) == 0
    assert _rows(EMPTY, "gold.user_features") == 1, "the week is remembered"

    # The ordinary night after them.
    small_nights.write_landing(
        home, LAST, small_nights.lines(LAST, 20)
    )  # so few that there is something left to recommend
    small_nights.run(LAST)
    assert "not trained" not in _said(LAST, capsys)
    assert _rows(LAST, "gold.audience_segments") > 0
    assert _rows(LAST, "gold.recommendations") > 0

    nights = (FIRST, EMPTY, LAST)
    made = [table for table in tables_of_a_night() if load_contract(table).stage != "video"]
    for date in nights:
        assert all(JobContext(date, settings()).lake.has_day(table, date) for table in made)
        assert (home / "reports" / f"{date}.html").is_file()
    stale = stale_days(settings(), LAST)
    assert stale == []
    assert NEW not in expected_changes(settings(), nights, made, stale).values()
    assert [damage for table in made for damage in verify(settings(), table)] == []
