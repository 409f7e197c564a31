"""Commands on an object store: an empty one, and one that does not answer."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from socket import create_server

import pytest

from jobs.platform.lake import version
from tests.object_store import ObjectStore


@pytest.fixture
def empty_store(home: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    monkeypatch.setenv("NIGHTREEL_LAKE", "s3a://lake/night")
    return store


def _run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"jobs.{module}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("module", ["integrity.verify", "integrity.restore"])
@pytest.mark.usefixtures("empty_store")
def test_a_table_that_was_never_made_is_no_damage(module: str) -> None:
    result = _run(module)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("setting", ["NIGHTREEL_LAKE", "NIGHTREEL_FILES"])
@pytest.mark.usefixtures("empty_store")
def test_a_store_that_does_not_answer_is_named_in_the_last_line(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIGHTREEL_LAKE")
    monkeypatch.setenv(setting, "s3a://lake/night")
    with closing(create_server(("127.0.0.1", 0))) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    result = _run("ingest.users", "--date", "2022-05-01")
    assert result.returncode == 1  # so that Airflow tries again
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert f"http://127.0.0.1:{port}/lake" in last
    assert "Debug source" not in last
    assert "HTTP error" in last or "Connection refused" in last


@pytest.mark.usefixtures("empty_store")
def test_no_table_is_known_of_an_empty_store() -> None:
    assert version("s3a://lake/night/silver/users") is None
