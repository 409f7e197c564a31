"""Several processes that write one table at once lose nothing of what they were told is published."""

import datetime as dt
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from jobs.platform import lake
from jobs.platform.lake.history import publications
from jobs.platform.lake.verify import verify
from jobs.platform.settings import settings
from schemas.contract import load_contract
from tests import object_store
from tests.faults import rows
from tests.faults.conftest import RecordFault

WRITER = """
import datetime as dt, sys
from jobs.platform.lake.commit import Overtaken
from tests.faults import rows
uri, number, writers, count = sys.argv[1], *map(int, sys.argv[2:])
for turn in range(count):
    # Every other day is everybody's, the others are this writer's own.
    day = dt.date(2022, 1, 1) + dt.timedelta(days=turn % 40 * (writers + 1) + (number if turn % 2 else writers))
    said = f"{number}-{turn}"
    try:
        print(rows.publish_day(uri, day, rows.rows(day, 4, said)), day, said, flush=True)
    except Overtaken:
        print("overtaken", day, said, flush=True)
"""


def run_writers(uri: str, writers: int, count: int, delay: int | None) -> list[tuple[int, dt.date, str]]:
    """Let processes write at once; what each was told is published, as (version, day, what it wrote)."""
    # With a delay, each system call that puts a file in place takes that much longer, so that commits do meet.
    slow = ["strace", "-qq", "-f", "-e", "trace=link,linkat,rename,renameat,renameat2", "-o", "/dev/null"]
    slow += ["-e", f"inject=link,linkat,rename,renameat,renameat2:delay_enter={delay}"]
    commands = [
        [*(slow if delay else []), sys.executable, "-c", WRITER, uri, *map(str, (number, writers, count))]
        for number in range(writers)
    ]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    answers = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * writers
    lines = [line.split(" ") for answer in answers for line in answer.splitlines()]
    assert len(lines) == writers * count
    return [(int(line[0]), dt.date.fromisoformat(line[1]), line[2]) for line in lines if line[0] != "overtaken"]


def lost_or_wrong(uri: str, acknowledged: list[tuple[int, dt.date, str]]) -> tuple[list[int], list[dt.date]]:
    """Return the acknowledged versions that the table does not have, and the days that have other rows than the last ones."""
    versions = [version for version, _, _ in acknowledged]
    assert len(set(versions)) == len(versions)
    published = {p.version: p for p in publications(uri)}
    assert len(published) <= len(versions)
    last = {day: said for _, day, said in sorted(acknowledged)}
    wrong = [
        day
        for day, said in last.items()
        if rows.read(uri, day) != sorted(str(r["raw"]) for r in rows.rows(day, 4, said))
    ]
    return [version for version in versions if version not in published], wrong


@pytest.mark.parametrize(
    ("writers", "count", "delay"),
    [
        pytest.param(4, 40, None, id="4 writers"),
        pytest.param(4, 12, 20_000, id="4 writers, rename delayed by 20 ms"),
        pytest.param(2, 300, None, id="2 writers, 600 commits", marks=pytest.mark.long),
        pytest.param(4, 150, 100_000, id="4 writers, 600 commits, rename delayed by 0.1 s", marks=pytest.mark.long),
    ],
)
def test_nothing_that_was_acknowledged_is_lost(
    table: str, writers: int, count: int, delay: int | None, record_fault: RecordFault
) -> None:
    if delay and shutil.which("strace") is None:
        pytest.fail("this test delays system calls by strace; install it with: sudo apt-get install strace")
    acknowledged = run_writers(table, writers, count, delay)
    lost, wrong = lost_or_wrong(table, acknowledged)
    record_fault("several writers on one table", f"{len(lost)} lost of {len(acknowledged)} acknowledged")
    assert (lost, wrong) == ([], [])
    assert list(verify(settings(), rows.TABLE)) == []


@pytest.mark.parametrize(
    ("store", "settings_of_store"),
    [
        (object_store.versitygw, {}),
        # It does not take uploads without their length, which Arrow makes to send a checksum at their end.
        (object_store.gofakes3, {"AWS_REQUEST_CHECKSUM_CALCULATION": "when_required"}),
    ],
    ids=["versitygw", "gofakes3"],
)
@pytest.mark.parametrize("count", [20, pytest.param(400, marks=pytest.mark.long)])
@pytest.mark.usefixtures("spark")
def test_nothing_that_was_acknowledged_is_lost_in_an_object_store(
    store: Callable[[Path, str], AbstractContextManager[str]],
    settings_of_store: dict[str, str],
    count: int,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_fault: RecordFault,
) -> None:
    with store(home, "lake") as address:
        object_store.use(address, monkeypatch)
        for name, value in ({"NIGHTREEL_LAKE": "s3a://lake/tables"} | settings_of_store).items():
            monkeypatch.setenv(name, value)
        uri = settings().uri(rows.TABLE)
        lake.create(load_contract(rows.TABLE), uri)
        acknowledged = run_writers(uri, 2, count, None)
        lost, wrong = lost_or_wrong(uri, acknowledged)
    record_fault("two writers on one table on S3", f"{len(lost)} lost of {len(acknowledged)} acknowledged")
    assert (lost, wrong) == ([], [])
