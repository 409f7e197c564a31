import datetime as dt
from pathlib import Path

import polars
import pytest

from jobs.ingest import land, landing
from jobs.ingest.feeds import BEHAVIOR_LOGS, VIDEOS
from tests.jobs.ingest.nights import rows_by_file
from tests.jobs.lake import insert_rows

_EVENTS = ["--events", "2000"]


def test_the_first_night_has_no_night_before_and_a_later_gap_is_an_error(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    land.main(["--date", "2022-05-01", *_EVENTS])
    land.main(["--date", "2022-05-02", *_EVENTS])
    with pytest.raises(SystemExit) as ended:
        land.main(["--date", "2022-05-05", *_EVENTS])
    error = capsys.readouterr().err.splitlines()[-1]
    assert ended.value.code == 66
    assert "dt=2022-05-04" in error
    assert "make backfill FROM=2022-05-03 TO=2022-05-05" in error
    assert landing.nights(home / "landing", BEHAVIOR_LOGS) == [dt.date(2022, 5, 1), dt.date(2022, 5, 2)]


def test_a_night_before_the_first_is_a_first_night(home: Path) -> None:
    land.main(["--date", "2022-05-01", *_EVENTS])
    land.main(["--date", "2022-04-20", *_EVENTS])
    assert landing.is_complete(home / "landing", BEHAVIOR_LOGS, dt.date(2022, 4, 20))


def test_landings_of_others_are_only_checked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    land.main(["--date", "2022-05-01", *_EVENTS])
    monkeypatch.setenv("NIGHTREEL_SOURCE", "landing")
    before = sorted(home.rglob("*"))
    land.main(["--date", "2022-05-01"])
    assert sorted(home.rglob("*")) == before
    with pytest.raises(SystemExit) as ended:
        land.main(["--date", "2022-05-02"])
    assert ended.value.code == 66


def test_the_simulator_replaces_nobody_elses_logs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    land.main(["--date", "2022-05-01", *_EVENTS])
    land.main(["--date", "2022-05-01", "--events", "3000"])  # its own it does
    (log,) = (home / "landing" / BEHAVIOR_LOGS / "dt=2022-05-01").glob("*.csv.gz")
    real = log.rename(log.with_name("log_standard.csv.gz")).read_bytes()
    with pytest.raises(SystemExit) as ended:
        land.main(["--date", "2022-05-01", *_EVENTS])
    assert ended.value.code == 64
    assert "was not made by the simulator, which would replace it" in capsys.readouterr().err
    assert log.with_name("log_standard.csv.gz").read_bytes() == real


def test_a_source_that_does_not_exist_is_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NIGHTREEL_SOURCE", str(home / "nowhere"))
    with pytest.raises(SystemExit) as ended:
        land.main(["--date", "2022-05-01"])
    assert ended.value.code == 66
    assert capsys.readouterr().err.startswith(f"error: missing input: {home / 'nowhere'} is not a folder")
    assert not (home / "landing").exists()


def test_the_simulated_app_publishes_what_nights_before_made_themselves(home: Path) -> None:
    night = dt.date(2022, 5, 1)
    video = {
        "date": night,
        "prompt": "海边的浪花",
        "generator": "vae",
        "width": 64,
        "height": 64,
        "frames": 16,
        "fps": 8,
    }
    kinds: list[dict[str, object]] = [
        {"outcome": "made"},
        {"outcome": None},
        {"outcome": "refused"},
        {"outcome": "made", "user_id": "1" * 32},
    ]
    rows = [
        video | kind | {"request_id": f"{n}", "video_name": f"{n:032x}", "tag": "旅游"} for n, kind in enumerate(kinds)
    ]
    insert_rows(home, "gold.generated_videos", rows)
    for day in (1, 2):
        land.main(["--date", f"2022-05-0{day}", *_EVENTS])
    first, second = (
        polars.read_csv(home / "landing" / VIDEOS / f"dt=2022-05-0{day}" / "videos.csv.gz", infer_schema=False)
        for day in (1, 2)
    )
    assert first["generated_name"].null_count() == len(first)
    assert set(second["generated_name"].drop_nulls()) == {f"{n:032x}" for n in (0, 1)}


def test_the_number_of_views_is_a_setting(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTREEL_SIMULATED_EVENTS", "4000")
    land.main(["--date", "2022-05-01"])
    rows = sum(rows_by_file(home / "landing", BEHAVIOR_LOGS).values())
    assert 3_000 < rows < 6_000
