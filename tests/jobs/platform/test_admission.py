"""A machine is a NIGHTREEL_HOME here; two of them have one lake."""

import multiprocessing
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from pyspark.sql import SparkSession

from jobs.ingest import campaigns
from jobs.ingest.feeds import CAMPAIGNS
from jobs.platform import admission, erasure
from jobs.platform.errors import UsageError
from jobs.platform.job import run_job
from jobs.platform.lake import identity
from jobs.platform.pseudonym import key
from jobs.platform.settings import settings
from tests.jobs.ingest.nights import MAY_1, write_feed
from tests.jobs.ingest.test_campaigns import ROWS
from tests.jobs.lake import insert_rows

Machine = Callable[[str], Path]
PROCESSES, ROUNDS = 3, 25


@pytest.fixture
def machine(home: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Makes what follows in the test happen on another machine, whose key is in a file and whose lake is the first one's."""
    monkeypatch.delenv("NIGHTREEL_PSEUDONYM_KEY")
    monkeypatch.setenv("NIGHTREEL_LAKE", str(home / "lake"))

    def on(name: str) -> Path:
        monkeypatch.setenv("NIGHTREEL_HOME", str(home / name))
        return home / name / "secrets"

    return on


def erase(*users: str) -> None:
    """What `make erase` does of the list."""
    erasure.add(settings(), users, admission.register(settings()))
    admission.register(settings())


def run() -> subprocess.CompletedProcess[str]:
    """A real job, as a process of its own."""
    command = [sys.executable, "-m", "jobs.ingest.campaigns", "--date", str(MAY_1)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_machine_without_the_lakes_key_and_list_does_nothing(machine: Machine, spark: SparkSession) -> None:
    first = machine("first")
    write_feed(first.parent, CAMPAIGNS, ROWS)
    campaigns.main(["--date", str(MAY_1)])
    older = shutil.copytree(first, first.parent / "older")
    erase("a")

    second = machine("second")
    write_feed(second.parent, CAMPAIGNS, ROWS)
    before = sorted(second.parent.rglob("*"))
    version = identity.read(settings())

    def refused(because: str) -> None:
        ended = run()
        assert (ended.returncode, ended.stderr.count("\n")) == (64, 1)
        assert because in ended.stderr

    refused(
        "is missing, and under a new key no user would be recognised; copy secrets/pseudonym.key from the machine that"
    )
    assert sorted(second.parent.rglob("*")) == before
    second.mkdir(mode=0o700)
    (second / "pseudonym.key").write_text("0b" * 32)
    refused(f"error: {second / 'pseudonym.key'} is not the pseudonym key of the lake")
    (second / "pseudonym.key").write_text("0b" * 31)
    refused(f"{second / 'pseudonym.key'} is not a pseudonym key; a key has 64 hexadecimal digits")
    shutil.copytree(older, second, dirs_exist_ok=True)
    refused(f"error: the erasure list {second / 'erased_users.txt'} lacks users who were erased from the lake")
    shutil.copy(first / "erased_users.txt", second)
    assert identity.read(settings()) == version
    campaigns.main(["--date", str(MAY_1)])  # with both


def test_the_second_list_may_only_go_on_from_the_lakes(machine: Machine) -> None:
    first = machine("first")
    erase("a", "b")
    second = shutil.copytree(first, machine("second"))
    machine("first")
    erase("c")
    machine("second")
    with pytest.raises(UsageError, match="lacks users who were erased"):
        erase("d")
    assert len(erasure.read(settings())) == 2
    erasure.add(settings(), ["d"], key(settings()))  # as if both had begun at once
    with pytest.raises(UsageError, match="lacks users who were erased"):
        admission.register(settings())
    shutil.copy(first / "erased_users.txt", second)
    erase("d")
    machine("first")
    with pytest.raises(UsageError, match="lacks users who were erased"):
        admission.check(settings())


def test_a_list_that_is_ahead_of_the_lake_is_taken_down_by_the_next_write(machine: Machine) -> None:
    first = machine("first")
    admission.register(settings())
    shutil.copytree(first, machine("second"))
    machine("first")
    erasure.add(settings(), ["a"], key(settings()))  # and killed
    admission.check(settings())
    assert len(admission.erased_users(settings())) == 1
    machine("second")
    with pytest.raises(UsageError, match="lacks users who were erased"):
        admission.check(settings())


def test_a_machine_with_an_older_list_is_refused_while_it_is_writing(machine: Machine) -> None:
    first = machine("first")
    admission.register(settings())
    shutil.copytree(first, machine("second"))
    assert admission.erased_users(settings()) == frozenset()
    machine("first")
    erase("a")
    machine("second")
    with pytest.raises(UsageError, match="lacks users who were erased"):
        admission.erased_users(settings())


def test_a_lake_of_before_takes_the_key_that_is_there_and_has_none_made(
    machine: Machine, caplog: pytest.LogCaptureFixture, home: Path
) -> None:
    first = machine("first")
    insert_rows(home, "silver.users", [{}])
    for use in (admission.check, admission.register):
        with pytest.raises(UsageError, match="is missing"):
            use(settings())
    assert not first.exists()
    first.mkdir(mode=0o700, parents=True)
    (first / "pseudonym.key").write_text("0c" * 32)
    erasure.add(settings(), ["a"], bytes.fromhex("0d" * 32))
    with pytest.raises(UsageError, match="was made with another pseudonym key"):
        admission.register(settings())
    erasure.path(settings()).unlink()
    caplog.set_level("INFO")
    admission.check(settings())
    assert identity.read(settings()) is None
    admission.register(settings())
    assert f"now belongs to the pseudonym key in {first / 'pseudonym.key'}" in caplog.text
    machine("second")
    with pytest.raises(UsageError, match="is missing"):
        admission.register(settings())


def test_all_of_it_may_be_copied_but_not_the_lake_alone(
    home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NIGHTREEL_PSEUDONYM_KEY")
    erase("a")
    secret = key(settings())
    copy = tmp_path_factory.mktemp("copy")
    monkeypatch.setenv("NIGHTREEL_HOME", str(copy))
    shutil.copytree(home / "lake", copy / "lake")
    with pytest.raises(UsageError, match="is missing"):
        admission.check(settings())
    shutil.copytree(home / "secrets", copy / "secrets")
    assert admission.register(settings()) == secret


def test_the_key_of_the_environment_goes_first_and_may_be_the_wrong_one(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("first")
    admission.register(settings())
    monkeypatch.setenv("NIGHTREEL_PSEUDONYM_KEY", "0e" * 32)
    with pytest.raises(UsageError, match=r"^NIGHTREEL_PSEUDONYM_KEY is not the pseudonym key of the lake"):
        admission.check(settings())


def test_a_new_lake_is_only_looked_at(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIGHTREEL_PSEUDONYM_KEY")
    with run_job(["--date", str(MAY_1)], "doc"):
        pass
    assert not list(home.iterdir())


_together: Barrier


def _claim(home: str, lake: str) -> str:
    os.environ.update(NIGHTREEL_HOME=home, NIGHTREEL_LAKE=lake)
    os.environ.pop("NIGHTREEL_PSEUDONYM_KEY", None)
    _together.wait()
    try:
        return admission.register(settings()).hex()
    except UsageError as error:
        return str(error)


def _begin(together: Barrier) -> None:
    global _together
    _together = together


@pytest.mark.parametrize("homes", [("one",) * PROCESSES, ("one", "two", "three")])
def test_of_processes_that_start_at_once_on_a_new_lake_all_that_go_on_have_one_key(
    tmp_path: Path, homes: tuple[str, ...]
) -> None:
    spawning = multiprocessing.get_context("spawn")
    together = spawning.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, spawning, initializer=_begin, initargs=(together,)) as pool:
        for number in range(ROUNDS):
            at = tmp_path / str(number)
            ended = Counter(pool.map(_claim, [str(at / home) for home in homes], [str(at / "lake")] * PROCESSES))
            # One that comes a little later finds the lake begun, and makes no key.
            too_late = ("is not the pseudonym key of the lake", "is missing, and under a new key")
            refused = {said: times for said, times in ended.items() if any(why in said for why in too_late)}
            (known,) = ended.keys() - refused.keys()
            assert len(bytes.fromhex(known)) == 32
            assert ended[known] == PROCESSES - sum(refused.values())
            assert sum(refused.values()) < len(set(homes))
