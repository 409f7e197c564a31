"""The state folder's name: either everything that uses it reads it alike, or it is refused in one line."""

import string
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
import sqlalchemy
from deltalake import DeltaTable, write_deltalake
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from infra.environment import ROOT
from infra.home import state_folder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PARTS = [*string.punctuation.replace("/", ""), "%20", "%3F", " ", "中文", "é", "\t", "a", "B", "1"]


def _is_accepted(home: Path) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTREEL_HOME", str(home))
        try:
            return state_folder() == home
        except ValueError:
            return False


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(name="my lake")
@example(name="a$b")
@example(name="50%")
@example(name="中文 #1 & 'co'")
@given(name=st.lists(st.sampled_from(_PARTS), min_size=1, max_size=5).map("".join).filter(lambda name: name.strip(".")))
def test_a_name_that_is_accepted_is_read_alike_by_all(spark: "SparkSession", name: str) -> None:
    with TemporaryDirectory() as below:
        home = Path(below, name)
        if not _is_accepted(home):
            return
        write_deltalake(home / "lake", pa.table({"row": [1, 2]}))
        assert DeltaTable(home / "lake").to_pyarrow_dataset().count_rows() == 2
        (home / "log.csv").write_text("1\n2\n")
        assert spark.read.text([f"{home}/log.csv"]).count() == 2
        with sqlalchemy.create_engine(f"sqlite:///{home / 'mlflow.db'}").connect():
            assert (home / "mlflow.db").exists()
        assert [path.name for path in Path(below).iterdir()] == [name]


@pytest.mark.parametrize("name", ["my lake", "a$b", "50%", "中文", "#1", "it's"])
def test_names_that_people_use_are_accepted(name: str) -> None:
    assert _is_accepted(Path("/data", name))


@pytest.mark.parametrize("name", ["50%20off", "what?", "of [1]", "{a}", "a*", "back\\slash", "a\nb", "$HOME"])
def test_a_name_that_would_be_read_otherwise_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTREEL_HOME", str(tmp_path / name))
    with pytest.raises(ValueError, match=r"^NIGHTREEL_HOME=") as refused:
        state_folder()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("command", ["infra.local.nightly", "infra.services up", "jobs.ingest.land --date 2022-05-01"])
def test_a_command_refuses_such_a_name_in_one_line(tmp_path: Path, command: str) -> None:
    environment = {"NIGHTREEL_HOME": str(tmp_path / "what?"), "PATH": "/usr/bin:/bin", "HOME": "/root"}
    done = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 64
    assert done.stderr.startswith("error: NIGHTREEL_HOME=")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_without_a_name_it_is_in_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("NIGHTREEL_HOME", raising=False)
        else:
            monkeypatch.setenv("NIGHTREEL_HOME", value)
        assert state_folder() == Path(ROOT, ".nightreel")
