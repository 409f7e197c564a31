"""What a person decides about a night is on record once, with who, when and why, and can be taken back."""

import datetime as dt
import getpass
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.backfill.accept import accept, login, main
from jobs.platform import decisions
from jobs.platform.decisions import TABLE, VOLUME
from jobs.platform.errors import UsageError
from jobs.platform.job_context import JobContext
from jobs.platform.lake.commit import Overtaken
from jobs.platform.settings import settings

ROOT = Path(__file__).resolve().parents[3]
MAY_1, MAY_2 = dt.date(2022, 5, 1), dt.date(2022, 5, 2)
USERS = "users"

lines = (
    st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), max_size=60).map(str.strip).filter(bool)
)


def say(who: str, why: str, *, night: dt.date = MAY_1, withdraw: bool = False) -> bool:
    return accept(JobContext(night, settings(), writes=TABLE), VOLUME, USERS, who, why, withdraw=withdraw)


def record() -> list[tuple[str, str, bool]]:
    return [(made.who, made.why, made.withdrawn) for made in decisions.read_decisions(settings(), MAY_1)]


def test_a_decision_is_made_once_changed_and_taken_back_and_all_of_it_stays(home: Path, spark: SparkSession) -> None:
    began = dt.datetime.now(dt.UTC)
    assert say("anna", "a sale")
    assert not say("anna", " a sale ")
    assert say("bo", "a sale")
    assert say("bo", "no sale at all", withdraw=True)
    assert not say("bo", "no sale at all", withdraw=True)
    assert say("anna", "a sale")
    assert record() == [
        *(("anna", "a sale", False), ("bo", "a sale", False), ("bo", "no sale at all", True), ("anna", "a sale", False))
    ]
    made_at = [made.made_at for made in decisions.read_decisions(settings())]
    assert made_at == sorted(set(made_at))
    assert began - dt.timedelta(seconds=1) < made_at[0] < dt.datetime.now(dt.UTC)
    # Another night has decisions of its own.
    say("anna", "a sale", night=MAY_2)
    assert {made.night for made in decisions.read_decisions(settings())} == {MAY_1, MAY_2}
    assert len(record()) == 4


def test_of_two_at_the_same_moment_one_has_to_say_it_again(home: Path, spark: SparkSession) -> None:
    slow = JobContext(MAY_1, settings(), writes=TABLE)
    say("anna", "a sale")
    with pytest.raises(Overtaken):
        accept(slow, VOLUME, USERS, "bo", "no sale", withdraw=True)
    assert record() == [("anna", "a sale", False)]


@pytest.mark.parametrize(
    ("who", "why", "says"),
    [
        *(("anna", "", "WHY is empty"), ("anna", " \t ", "WHY is empty"), ("", "a sale", "WHO is empty")),
        *(("anna", "a\nsale", r"WHY contains the character U\+000A"), ("anna", "a sale\u202e", r"U\+202E")),
        *(("anna\x1b[2J", "a sale", r"WHO contains the character U\+001B"), ("anna", "\udcff", r"U\+DCFF")),
        *(("anna", "x" * 501, "WHY has 501 characters"), ("x" * 101, "a sale", "WHO has 101 characters")),
    ],
)
def test_a_text_that_is_no_line_is_refused(home: Path, who: str, why: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        say(who, why)
    assert record() == []


def test_only_a_night_that_is_over_can_be_decided_on(home: Path) -> None:
    today = dt.datetime.now(settings().timezone).date()
    for night in (today, today + dt.timedelta(days=1), dt.date(9999, 12, 31)):
        with pytest.raises(UsageError, match="is not over yet"):
            say("anna", "a sale", night=night)


def test_nothing_is_taken_back_that_is_not_decided(home: Path) -> None:
    with pytest.raises(UsageError, match="there is no decision on volume of users for 2022-05-01"):
        say("anna", "a sale", withdraw=True)


def test_who_runs_it_decides_unless_somebody_is_named(
    home: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    what = ["--date", "2022-05-01", "--as", "empty", "--why", "an outage"]
    main(what)
    main([*what, "--who", "安娜"])
    main([*what, "--who", "安娜"])
    assert capsys.readouterr().out.splitlines() == [
        "2022-05-01: empty of behavior_logs accepted",
        "2022-05-01: empty of behavior_logs accepted",
        "2022-05-01: empty of behavior_logs accepted, as before",
    ]
    assert record() == [(getpass.getuser(), "an outage", False), ("安娜", "an outage", False)]


def test_a_user_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 987654)
    assert login() == "uid 987654"


@how(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines)
def test_make_hands_a_reason_over_as_it_is(tmp_path: Path, why: str) -> None:
    environment = {**os.environ, "NIGHTREEL_HOME": str(tmp_path)}
    command = [
        "make",
        "--silent",
        "accept",
        "DATE=2022-05-01",
        "AS=volume",
        "OF=users",
        f"WHY={why}",
        "JOBS=printf %s",
    ]
    handed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert f"--why={why}" in handed.stdout, handed.stderr
