"""The Makefile explains itself, and says what is wrong in one line."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()


def make(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_make_alone_lists_every_target() -> None:
    targets = set(re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, re.MULTILINE))
    listed = set(re.findall(r"^  make (\S+) ", make().stdout, re.MULTILINE))
    assert {"nightly", "backfill", "up", "down", "test", "check", "sql", "docs", "clean"} <= targets
    assert listed == targets


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("backfill", "make backfill FROM="),
        ("sql", 'make sql Q="select'),
        ("accept", "make accept DATE="),
        ("explain", "make explain TABLE=gold.video_features KEY="),
    ],
)
def test_a_target_without_what_it_needs_says_how_to_call_it(target: str, line: str) -> None:
    result = make(target)
    assert result.returncode != 0
    assert line in result.stderr.splitlines()[0]


def test_setup_does_nothing_twice() -> None:
    assert "Nothing to be done" in make("setup").stdout
    assert "pip sync" not in make("--dry-run", "test").stdout


def test_no_committed_setting_names_a_package_host() -> None:
    for name in ("Makefile", "pyproject.toml", "requirements-jobs.txt", "requirements-airflow.txt"):
        assert not re.search(r"pypi\.org|pythonhosted|maven\.org|index-url", (ROOT / name).read_text()), name
