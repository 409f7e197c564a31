"""A backfill says beforehand what it would do, and afterwards what it did."""

import datetime as dt
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.backfill import backfills
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from schemas.dependencies import days_read, tables_of_a_night
from tests.jobs.backfill.published import publish_night

ROOT = Path(__file__).parents[3]
MAY_1, MAY_2, MAY_3 = (dt.date(2022, 5, day) for day in (1, 2, 3))


def publish_whole_night(night: dt.date) -> None:
    for table in tables_of_a_night():
        publish_night(table, night, reads=list(days_read(table, night, 3)))


def test_it_is_planned_and_nothing_is_touched(home: Path, spark: SparkSession) -> None:
    for night in (MAY_1, MAY_2):
        publish_whole_night(night)
    publish_night("silver.videos", MAY_1, 2)
    (home / "run" / "elapsed").mkdir(parents=True)
    for day, seconds in enumerate((80, 100, 300)):
        (home / "run" / "elapsed" / f"2022-04-0{day + 1}.json").write_text(json.dumps({"seconds": seconds}))
    before = sorted(home.rglob("*"))
    command = [sys.executable, "-m", "infra.local.nightly", "--backfill", "--dry-run"]
    asked = subprocess.run(
        [*command, "--from", "2022-05-01", "--to", "2022-05-03"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0, asked.stderr
    head, *lines = asked.stdout.splitlines()
    assert head.split() == ["2022-05-01", "2022-05-02", "2022-05-03"]
    words = {line.split()[0]: line.split()[1:] for line in lines[: len(tables_of_a_night())]}
    assert words["silver.videos"] == ["same", "same", "new"]
    assert words["silver.behavior_events"] == ["same", "same", "new"]
    assert words["gold.user_features"] == ["stale", "same", "new"]
    assert words["gold.ctr_examples"] == ["stale", "stale", "new"], (
        "by the snapshot, and by the snapshot of the day before"
    )
    assert words["gold.generated_videos"] == ["maybe", "same", "new"]
    assert "  2022-05-01 gold.user_features: silver.videos of 2022-05-01 changed" in lines
    assert lines[-1] == "  3 nights, about 0:05:00: 100 s each, the median of 3 earlier nights"
    assert sorted(home.rglob("*")) == before

    days = ["--from", "2022-05-01", "--to", "2022-05-01"]
    (home / "run" / "durations").mkdir()
    took = {"features.user_features": 20, "publish.recommendations": 12.4, "publish.report": 9}
    (home / "run" / "durations" / "2022-04-01.json").write_text(json.dumps(took))
    part = subprocess.run(
        [*command, *days, "--tables", "gold.recommendations,gold.user_features"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.splitlines()  # fmt: skip
    assert [line.split() for line in part[1:3]] == [["gold.user_features", "stale"], ["gold.recommendations", "stale"]]
    assert part[-1] == "  1 nights, about 0:00:32: 32 s each, the median of 1 earlier nights"

    stale = subprocess.run([*command, "--stale"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert stale.stdout.splitlines()[0].split() == ["2022-05-01", "2022-05-02"]


def test_it_is_reconciled(home: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    publish_night("silver.users", MAY_1)
    publish_night("silver.videos", MAY_1)
    publish_night("silver.campaigns", MAY_1)
    time.sleep(0.01)
    began = round(time.time() * 1000)
    publish_night("silver.users", MAY_1)
    publish_night("silver.videos", MAY_1, 2)
    publish_night("silver.users", MAY_2)
    backfills.main(["--date", str(MAY_2), "--began", str(began), "--nights", str(MAY_1), str(MAY_2)])
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"  1 done, 1 unchanged, 1 changed, {2 * len(tables_of_a_night()) - 3} failed; stored in ops.backfills"
    )
    rows = {
        (row.date, row.table_name): row for row in JobContext(MAY_2, settings()).lake.read("ops.backfills").collect()
    }
    outcomes = {place: row.outcome for place, row in rows.items() if row.outcome != "failed"}
    assert outcomes == {
        (MAY_1, "silver.users"): "unchanged",
        (MAY_1, "silver.videos"): "changed",
        (MAY_2, "silver.users"): "done",
    }
    only = ["--tables", "silver.users"]
    backfills.main(["--date", str(MAY_1), "--began", str(began), "--nights", str(MAY_1), *only])
    assert (
        capsys.readouterr().out.splitlines()[-1]
        == "  0 done, 1 unchanged, 0 changed, 0 failed; stored in ops.backfills"
    )
    kept = rows[MAY_1, "silver.campaigns"]
    assert (kept.outcome, bool(kept.content_before), kept.content_after) == ("failed", True, None)


@pytest.mark.parametrize(
    "arguments", [["--from", "2022-05-01"], ["--to", "2022-05-01"], ["--tables", "gold.user_features"]]
)
def test_stale_nights_are_not_named(home: Path, arguments: list[str]) -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "infra.local.nightly", "--backfill", "--stale", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert asked.returncode == os.EX_USAGE
    assert asked.stderr == "error: STALE=1 finds its nights and tables itself: leave FROM, TO and TABLES out\n"
