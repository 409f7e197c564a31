"""The Makefile explains itself, and says what is wrong in one line."""

import os
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
        ("video", "make video PROMPT="),
        ("accept", "make accept DATE="),
        ("explain", "make explain TABLE=gold.video_features KEY="),
    ],
)
def test_a_target_without_what_it_needs_says_how_to_call_it(target: str, line: str) -> None:
    result = make(target)
    assert result.returncode != 0
    assert line in result.stderr.splitlines()[0]


def test_setup_does_nothing_twice() -> None:
    assert make("setup").stdout == ""
    assert "pip sync" not in make("--dry-run", "test").stdout


def test_no_committed_setting_names_a_package_host() -> None:
    for name in ("Makefile", "pyproject.toml", "requirements-jobs.txt", "requirements-airflow.txt"):
        assert not re.search(r"pypi\.org|pythonhosted|maven\.org|index-url", (ROOT / name).read_text()), name


# As make itself sets what its recipes find: settings from the environment too, all else from its command line only.
@pytest.mark.parametrize(
    "value", ["/data/my lake", "/data/a$b", "/data/$(HOME)/${x}", "/d/50% #1 'it' \"q\" `id` $((1))", "a\nb", "中文 "]
)
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("NIGHTREEL_HOME", "environment"),
        ("NIGHTREEL_HOME", "command line"),
        ("SOURCE", "command line"),
        ("Q", "command line"),
    ],
)
def test_a_recipe_finds_what_it_is_given_word_for_word(tmp_path: Path, name: str, value: str, place: str) -> None:
    show = tmp_path / "show.mk"
    show.write_text(f"show: ; @printf '%s' \"$${name}\"\n")
    given = [f"{name}={value}"] if place == "command line" else []
    environment = {**os.environ, **({} if given else {name: value})}
    command = ["make", "-f", "Makefile", "-f", str(show), "show", *given]
    shown = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert shown == value


def test_nothing_of_the_shell_reaches_python_or_bash(tmp_path: Path) -> None:
    (tmp_path / "startup").write_text("exit 3\n")
    (tmp_path / "show.mk").write_text("show: ; @env\n")
    foreign = {
        "PYTHONHOME": "/absent",
        "PYTHONPATH": "/absent",
        "PYTHONSTARTUP": "/absent",
        "BASH_ENV": str(tmp_path / "startup"),
    }
    command = ["make", "-f", "Makefile", "-f", str(tmp_path / "show.mk"), "show"]
    shown = subprocess.run(
        command, cwd=ROOT, env=os.environ | foreign, capture_output=True, text=True, check=True
    ).stdout
    assert not any(line.startswith(tuple(foreign)) for line in shown.splitlines())


def test_what_the_shell_has_under_a_common_name_is_not_taken_for_an_order() -> None:
    environment = {**os.environ, "USERS": "all.txt", "AS": "as"}
    result = subprocess.run(["make", "erase"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "the environment variable USERS is ignored: pass it to make" in result.stderr
    assert "give a file with one user id per line" in result.stderr
