"""A command ends in the same way, whichever it is."""

from types import ModuleType, SimpleNamespace

import pytest
from pyspark.sql import SparkSession

from jobs.ingest import check_landing
from jobs.integrity import restore, verify
from jobs.platform.command import command
from jobs.platform.errors import BadInput
from jobs.privacy import erase
from jobs.query import explain, sql


@pytest.mark.parametrize("module", [check_landing, erase, explain, restore, sql, verify], ids=lambda m: m.__name__)
def test_a_wrong_command_line_ends_with_64(module: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        module.main(["--no-such-option"])
    assert ended.value.code == 64
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")


def test_a_day_that_is_none_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        verify.main(["--day", "20220501"])
    assert ended.value.code == 64
    assert "20220501" in capsys.readouterr().err.splitlines()[-1]


def test_an_error_is_one_line_and_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, command([], "doc"):
        raise BadInput("x is damaged")
    assert ended.value.code == 65
    assert capsys.readouterr().err == "error: x is damaged\n"


def test_the_session_on_a_server_is_ended_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []
    session = SimpleNamespace(stop=lambda: ended.append(True))
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: session)
    with command([], "doc"):
        pass
    assert not ended
    monkeypatch.setenv("SPARK_REMOTE", "sc://127.0.0.1:1")
    with command([], "doc"):
        assert not ended
    assert ended == [True]
