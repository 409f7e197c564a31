"""A test has the same id wherever and whenever it is collected: the two processes of `make test` must agree on the suite."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OUTPUTS = shutil.ignore_patterns(".*", "__pycache__", "test-artifacts")
# Between these zones lie 25 hours, so that it is never the same day in both.
ZONES = ("Pacific/Kiritimati", "Pacific/Pago_Pago")


def ids(environment: str, suite: tuple[str, ...], root: Path, home: Path, zone: str) -> list[str]:
    """The ids of a suite in their order, to a process with a home, a time zone and an order of sets of its own."""
    command = [str(ROOT / environment / "bin" / "pytest"), *suite, "--collect-only", "-q", "-m", "long or not long"]
    own = {
        "HOME": str(home),
        "TMPDIR": str(home),
        "TZ": zone,
        "PYTHONHASHSEED": str(len(zone)),
        "PYTHONPATH": str(root),
    }
    collected = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=root,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert collected.returncode == 0, collected.stdout
    return [line for line in collected.stdout.splitlines() if "::" in line]


@pytest.mark.parametrize(
    ("environment", "suite"),
    [
        pytest.param(".venv", ("tests", "--ignore", "tests/dags"), id="all but dags"),
        pytest.param(".venv-airflow", ("tests/dags",), id="dags"),
    ],
)
def test_ids_hold_no_time_no_chance_and_no_path(environment: str, suite: tuple[str, ...], tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(ROOT, elsewhere, ignore=OUTPUTS)
    found = []
    for root, zone in zip((ROOT, elsewhere), ZONES, strict=True):  # in turn, so that seconds pass in between
        home = tmp_path / zone
        home.mkdir(parents=True)
        found.append(ids(environment, suite, root, home, zone))
    here, there = found
    assert here
    assert here == there
