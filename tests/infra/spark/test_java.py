"""Java: fit or named, wherever it comes from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.environment import ROOT
from infra.spark.java import fault


def write_java(home: Path, version: str) -> None:
    """A Java that says it is of this version, and can do nothing else."""
    (home / "bin").mkdir(parents=True, exist_ok=True)
    (home / "bin" / "java").write_text(f"""#!/bin/sh\necho 'openjdk version "{version}" 2025-04-15' >&2\n""")
    (home / "bin" / "java").chmod(0o755)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(major=st.integers(9, 30), rest=st.sampled_from(["", ".0.1", ".0.15+6", "-ea"]))
def test_java_is_fit_or_named(tmp_path: Path, major: int, rest: str) -> None:
    write_java(tmp_path, f"{major}{rest}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", str(tmp_path))
        by_name = fault()
        patch.delenv("JAVA_HOME")
        patch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
        by_path = fault()
    if major in {17, 21} and rest != "-ea":
        assert by_name is by_path is None
    else:
        assert by_name is not None
        assert by_name.startswith(f"JAVA_HOME={tmp_path} is Java {major}{rest}; ")
        assert by_path is not None
        assert f"`java` is version {major}{rest}" in by_path


@pytest.mark.parametrize("version", ["1.8.0_412", "11.0.22", None])
def test_a_command_names_an_unfit_java_before_anything_starts(tmp_path: Path, version: str | None) -> None:
    java = tmp_path / "java"
    if version:
        write_java(java, version)
    shell = os.environ | {"JAVA_HOME": str(java), "NIGHTREEL_HOME": str(tmp_path / "home")}
    session = "from jobs.platform.spark import session; session()"
    for command, line in (
        (["-m", "infra.services", "up"], f"error: JAVA_HOME={java} "),
        (["-m", "infra.spark.java"], f"JAVA_HOME={java} "),
        (["-c", session], f"jobs.platform.errors.UsageError: JAVA_HOME={java} "),
    ):
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=shell, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith(line)
        assert done.stderr.endswith("unset JAVA_HOME, or set it to one of these\n")
