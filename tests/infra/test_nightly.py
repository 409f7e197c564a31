"""`make nightly`'s checks, which come before anything starts."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.daemon import ServiceError
from infra.local.nightly import UsageError, night, nightly_lock, source, tables
from infra.local.paths import State
from schemas.dependencies import tables_of_a_night

ROOT = Path(__file__).resolve().parents[2]
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = dt.datetime(2026, 7, 26, 0, 30, tzinfo=SHANGHAI)


@given(st.dates(min_value=dt.date(2020, 1, 1), max_value=dt.date(2030, 12, 31)))
def test_only_days_that_are_over_are_nights(day: dt.date) -> None:
    if day < NOW.date():
        assert night(day.isoformat(), NOW, SHANGHAI) == day
    else:
        with pytest.raises(UsageError, match="not over yet in Asia/Shanghai; the last complete night is 2026-07-25"):
            night(day.isoformat(), NOW, SHANGHAI)


def test_without_a_day_it_is_yesterday_of_the_lakes_zone() -> None:
    assert night("", NOW, SHANGHAI) == night("yesterday", NOW, SHANGHAI) == dt.date(2026, 7, 25)
    assert night("", NOW, ZoneInfo("UTC")) == dt.date(2026, 7, 24)


@pytest.mark.parametrize("text", ["2022-13-01", "01.05.2022", "today", "2022-05-01T00:00", "2022-02-30", " "])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a day; write it as YYYY-MM-DD"):
        night(text, NOW, SHANGHAI)


def test_a_day_that_the_zone_left_out_is_refused() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert night("2011-12-31", NOW, apia) == dt.date(2011, 12, 31)
    with pytest.raises(UsageError, match="2011-12-30 does not exist in Pacific/Apia"):
        night("2011-12-30", NOW, apia)


def test_a_source_is_a_word_or_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIGHTREEL_SOURCE", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    assert source("") == "simulator"
    assert source("landing") == "landing"
    assert source("logs") == str(tmp_path / "logs")
    with pytest.raises(UsageError, match="SOURCE=nowhere is not a folder"):
        source("nowhere")


def test_tables_are_named_with_commas_between_them_and_kept_in_the_order_of_a_night() -> None:
    assert tables("") == tables_of_a_night()
    assert tables("gold.recommendations, gold.user_features") == ("gold.user_features", "gold.recommendations")


def test_one_state_folder_runs_one_command_at_a_time(tmp_path: Path) -> None:
    with nightly_lock(State(tmp_path)), pytest.raises(ServiceError, match="another"), nightly_lock(State(tmp_path)):
        pass
    with nightly_lock(State(tmp_path)):
        pass


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--from", "2022-05-40", "--to", "2022-05-40"], "'2022-05-40' is not a day"),
        (["--from", "2999-01-01", "--to", "2999-01-01"], "2999-01-01 is not over yet"),
        (["--from", "2022-05-02", "--to", "2022-05-01"], "FROM=2022-05-02 is after TO=2022-05-01"),
        (["--from", "2022-05-01", "--to", "2022-05-01", "--source", "/no/such"], "SOURCE=/no/such is not a folder"),
        (["--backfill", "--tables", "gold.users"], "TABLES: a night does not write 'gold.users'; it writes"),
        (["--backfill", "--tables", "../x"], "TABLES: a night does not write '../x'; it writes"),
    ],
)
def test_a_wrong_call_ends_with_one_line_and_touches_nothing(tmp_path: Path, arguments: list[str], line: str) -> None:
    home = tmp_path / "home"
    result = subprocess.run(
        [sys.executable, "-m", "infra.local.nightly", *arguments],
        cwd=ROOT,
        env=os.environ | {"NIGHTREEL_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == os.EX_USAGE
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert line in result.stderr
    assert result.stderr.count("\n") == 1
    assert not home.exists()


@pytest.mark.parametrize("zone", ["Asia/Beijing", ""])
@pytest.mark.parametrize(
    "command",
    [
        ["infra.local.nightly", "--from", "2022-05-01", "--to", "2022-05-01"],
        ["infra.local.nightly", "--backfill", "--stale"],
        ["infra.services", "up"],
        ["infra.services", "down"],
    ],
    ids=["nightly", "backfill", "up", "down"],
)
def test_an_unknown_zone_is_one_line_and_starts_nothing(tmp_path: Path, zone: str, command: list[str]) -> None:
    home = tmp_path / "home"
    result = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=os.environ | {"NIGHTREEL_HOME": str(home), "NIGHTREEL_TIMEZONE": zone},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (os.EX_USAGE, "")
    assert result.stderr.startswith(f"error: NIGHTREEL_TIMEZONE={zone!r} is not a time zone; ")
    assert result.stderr.count("\n") == 1
    assert not home.exists()
