import datetime as dt
import os
import subprocess
import sys
import traceback
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jobs.platform.errors import BadInput, MissingInput, UsageError
from jobs.platform.job import run_job
from schemas.days import last_complete


def test_a_job_is_given_its_night(home: Path) -> None:
    with run_job(["--date", "2022-05-01", "--model", "als"], "doc", lambda p: p.add_argument("--model")) as night:
        assert night.date == dt.date(2022, 5, 1)
        assert night.args.model == "als"
        assert night.settings.home == home


@pytest.mark.parametrize(
    "arguments", [[], ["--date", "2022-13-01"], ["--date", "20220501"], ["--date", "2022-05-01", "--x"]]
)
def test_a_wrong_command_line_ends_with_64(
    home: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, run_job(arguments, "doc"):
        pass
    assert ended.value.code == 64
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")


@pytest.mark.parametrize(
    ("error", "code"), [(BadInput("x"), 65), (MissingInput("t", dt.date(2022, 5, 1)), 66), (UsageError("x"), 64)]
)
def test_an_error_is_one_line_and_a_code(
    home: Path, error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, run_job(["--date", "2022-05-01"], "doc"):
        raise error
    assert ended.value.code == code
    assert capsys.readouterr().err == f"error: {error}\n"


def test_other_errors_keep_their_traceback_and_end_in_a_line(home: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_job(["--date", "2022-05-01"], "doc"):
        1 / 0
    with pytest.raises(OSError, match="lost") as raised, run_job(["--date", "2022-05-01"], "doc"):
        raise OSError(
            "lost\n\tat org.apache.spark.Deep\nCaused by: ConnectException: s3a://lake: Connection refused\n\tat java.net"
            "\nCaused by: Connection refused"
        )
    last = "".join(traceback.format_exception(raised.value)).splitlines()[-1]
    assert last == "error: OSError: lost Caused by: ConnectException: s3a://lake: Connection refused"
    with pytest.raises(OSError, match="first") as raised, run_job(["--date", "2022-05-01"], "doc"):
        raise OSError("first" + " then" * 1000 + " last")
    last = "".join(traceback.format_exception(raised.value)).splitlines()[-1]
    assert last.startswith("error: OSError: first then ")
    assert " … " in last
    assert last.endswith(" then last")
    assert len(last) < 700


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_yesterday_is_the_last_night_that_is_over_in_the_lakes_zone(
    home: Path, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("NIGHTREEL_TIMEZONE", zone)
    before = last_complete(dt.datetime.now(dt.UTC), ZoneInfo(zone))
    with run_job(["--date", "yesterday"], "doc") as night:
        assert night.date in (before, last_complete(dt.datetime.now(dt.UTC), ZoneInfo(zone)))


def test_a_day_that_the_zone_left_out_is_no_night(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NIGHTREEL_TIMEZONE", "Pacific/Apia")
    with pytest.raises(SystemExit) as ended, run_job(["--date", "2011-12-30"], "doc"):
        pass
    assert ended.value.code == 64
    assert capsys.readouterr().err.startswith("error: 2011-12-30 does not exist in Pacific/Apia")


@pytest.mark.parametrize(
    "command",
    [
        ["jobs.ingest.reconciliation", "--date", "2022-05-01"],
        ["jobs.backfill.stale_days", "--date", "yesterday"],
        ["jobs.query.sql", "show all tables"],
        ["jobs.integrity.verify"],
    ],
    ids=["reconciliation", "stale_days", "sql", "verify"],
)
def test_an_unknown_time_zone_is_one_line(home: Path, command: list[str]) -> None:
    environment = {**os.environ, "NIGHTREEL_TIMEZONE": "Asia/Beijing"}
    ended = subprocess.run(
        [sys.executable, "-m", *command], env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (
        64,
        "error: NIGHTREEL_TIMEZONE='Asia/Beijing' is not a time zone; use a name such as Asia/Shanghai\n",
    )
