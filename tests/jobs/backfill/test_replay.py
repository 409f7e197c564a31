"""Once a rule is fixed in the contract, what it had wrongly kept out lands in its day, and the books still balance."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import schemas.contract
from jobs.backfill import replay
from jobs.features import daily_interactions
from jobs.ingest.behavior_rows import EVENTS
from jobs.ingest.feeds import NIGHTLY, VIDEOS
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from tests.jobs.ingest.nights import (
    MAY_1,
    MAY_2,
    NOON_MAY_1,
    SNAPSHOTS,
    ingest,
    line,
    write_feed,
    write_landing,
    write_prompts,
)

NOON_MAY_2 = NOON_MAY_1 + 86_400_000


@pytest.fixture
def contracts(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of contracts that the jobs read, a copy to be changed."""
    folder = tmp_path_factory.mktemp("contracts")
    shutil.copytree(schemas.contract._FOLDER, folder, dirs_exist_ok=True)
    monkeypatch.setattr(schemas.contract, "_FOLDER", folder)
    schemas.contract.load_contract.cache_clear()
    yield folder
    schemas.contract.load_contract.cache_clear()


def fix_rule(contracts: Path) -> None:
    """Let a click be 2 as well."""
    path = contracts / "silver" / "behavior_events.yaml"
    text = path.read_text(encoding="utf-8")
    assert "is_click IN (0, 1)" in text
    path.write_text(text.replace("is_click IN (0, 1)", "is_click IN (0, 1, 2)"), encoding="utf-8")
    schemas.contract.load_contract.cache_clear()


def books(night: JobContext) -> dict[str, tuple[int, ...]]:
    rows = night.lake.read("ops.reconciliation").where(f"source = '{EVENTS}'").collect()
    return {str(row.arrival_date): (row.lines_in, row.rows_out, row.duplicates, row.quarantined) for row in rows}


def test_rows_land_in_their_days_once_the_rule_is_fixed(
    home: Path, spark: SparkSession, contracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = [line(n) for n in range(60)]
    write_landing(home, [*good, line(70, click=2), line(71, click=2, play=-1), line(72, click=2)])
    # What was kept out comes again the next night, in order this time: it will turn out to be a duplicate.
    write_landing(home, [*(line(n, time_ms=NOON_MAY_2) for n in range(60)), line(72)], MAY_2)
    for day in (MAY_1, MAY_2):
        ingest(day)
    daily_interactions.main(["--date", str(MAY_1)])
    asked = ["--table", EVENTS, "--date", str(MAY_2)]
    assert replay.count_passing(JobContext(MAY_2, settings()), EVENTS, "") == {}

    fix_rule(contracts)
    capsys.readouterr()
    replay.main([*asked, "--reason", "is_click_is_flag"])
    assert capsys.readouterr().out.splitlines() == [
        "2022-05-01: ingested again, 2 quarantined rows pass now",
        "2022-05-02: ingested again, 0 quarantined rows pass now",
        "2022-05-01 gold.daily_interactions: silver.behavior_events of 2022-05-01 changed",
    ]
    night = JobContext(MAY_2, settings())
    assert books(night) == {"2022-05-01": (63, 62, 0, 1), "2022-05-02": (61, 60, 1, 0)}
    (left,) = night.lake.read("silver.quarantine").collect()
    assert (left.log_line, left.reasons) == (63, ["play_time_ms_not_negative: play_time_ms >= 0"])
    stale = night.lake.read("ops.stale_days").collect()
    assert [(row.date, row.table_name) for row in stale] == [(MAY_1, "gold.daily_interactions")]

    with pytest.raises(SystemExit) as ended:
        replay.main([*asked, "--reason", "tab_not_negative"])
    assert ended.value.code == 66
    assert (
        "no row of silver.behavior_events for REASON=tab_not_negative; reasons are: play_time_ms_not_negative"
        in capsys.readouterr().err
    )


def test_rows_of_a_snapshot_are_taken_in_from_their_landing(
    home: Path, spark: SparkSession, contracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    titled = f"{','.join(NIGHTLY[VIDEOS].required)},title"
    write_feed(home, VIDEOS, [f"{SNAPSHOTS[VIDEOS]},{'long ' * 500}"], header=titled)
    write_landing(home, [line(n) for n in range(30)])
    with pytest.raises(SystemExit):  # a night without a video that may be shown waits for a person
        ingest()
    assert JobContext(MAY_1, settings()).lake.read("silver.videos").count() == 0

    path = contracts / "silver" / "videos.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("length(title) <= 2000", "length(title) <= 5000"), encoding="utf-8"
    )
    schemas.contract.load_contract.cache_clear()
    capsys.readouterr()
    replay.main(["--table", "silver.videos", "--date", str(MAY_1), "--reason", "title_at_most_2000_characters"])
    assert capsys.readouterr().out.splitlines()[0] == "2022-05-01: ingested again, 1 quarantined rows pass now"
    night = JobContext(MAY_1, settings())
    assert night.lake.read("silver.videos").count() == 1
    assert night.lake.read_day("silver.quarantine").count() == 0


def test_prompts_of_users_are_taken_in_from_their_landing(
    home: Path, spark: SparkSession, contracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_landing(home, [line(n) for n in range(30)])
    write_prompts(
        home, {"request": "a", "user": 1, "text": "a cat"}, {"request": "b" * 300, "user": 2, "text": "a dog"}
    )
    assert ingest().lake.read("silver.video_prompts").count() == 1

    path = contracts / "silver" / "video_prompts.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("length(request) <= 200", "length(request) <= 300"), "utf-8"
    )
    schemas.contract.load_contract.cache_clear()
    capsys.readouterr()
    replay.main(["--table", "silver.video_prompts", "--date", str(MAY_1)])
    assert capsys.readouterr().out.splitlines()[0] == "2022-05-01: ingested again, 1 quarantined rows pass now"
    assert JobContext(MAY_1, settings()).lake.read("silver.video_prompts").count() == 2


def test_only_what_is_quarantined_is_replayed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        replay.main(["--table", "gold.daily_interactions", "--date", str(MAY_2)])
    assert ended.value.code == 64
    assert "use one of silver.behavior_events, silver.users" in capsys.readouterr().err
