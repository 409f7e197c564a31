"""An input/output error at any system call of a publication ends it with an error, and the last one stays readable and sound."""

import datetime as dt
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.platform.lake.verify import verify
from jobs.platform.settings import settings
from tests.faults import rows
from tests.faults.conftest import RecordFault

DAY = dt.date(2022, 5, 1)
# Not `write`, by which the threads of delta-rs wake one another as well: writes fail in test_disk_full.py.
CALLS = ("pwrite64", "pread64", "fsync", "fdatasync", "link", "linkat", "rename", "renameat2", "mkdir")
PUBLISH = """
import datetime as dt, sys
from tests.faults import rows
rows.publish_day(sys.argv[1], dt.date(2022, 5, 1), rows.rows(dt.date(2022, 5, 1), 50, sys.argv[2]))
"""


def publish(uri: str, said: str, *strace: str) -> "subprocess.CompletedProcess[str]":
    """Publish the day in a process whose system calls are traced."""
    command = ["strace", "-qq", "-f", *strace, sys.executable, "-c", PUBLISH, uri, said]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


@pytest.mark.parametrize("times", [5, pytest.param(50, marks=pytest.mark.long)])
def test_the_last_version_stays(table: str, tmp_path: Path, times: int, record_fault: RecordFault) -> None:
    if shutil.which("strace") is None:
        pytest.fail("this test makes system calls fail by strace; install it with: sudo apt-get install strace")
    trace = tmp_path / "trace"
    done = publish(table, "first", "-o", str(trace), "-e", f"trace={','.join(CALLS)}")
    assert done.returncode == 0, done.stderr
    names = [line.split()[1].partition("(")[0] for line in trace.read_text().splitlines()]
    made = {call: names.count(call) for call in CALLS if call in names}
    assert {"fsync", "linkat"} <= made.keys() or {"fsync", "link"} <= made.keys()

    chance = random.Random(5)
    last, failed = "first", 0
    while failed < times:
        call = chance.choice(sorted(made))
        said = f"{call} {failed}"
        # strace counts each thread's calls for themselves, so that some numbers are never reached.
        which = chance.randint(1, made[call])
        done = publish(table, said, "-o", "/dev/null", "-e", f"inject={call}:error=EIO:when={which}")
        contents = {text: sorted(str(row["raw"]) for row in rows.rows(DAY, 50, text)) for text in (last, said)}
        there = rows.read(table, DAY)
        assert there in contents.values()
        if done.returncode == 0:
            assert there == contents[said]
        elif "ImportError" in done.stderr:  # a library could not be loaded
            assert there == contents[last]
        else:
            assert "Input/output error" in done.stderr or "os error 5" in done.stderr, done.stderr
            failed += 1
        last = next(text for text in (said, last) if there == contents[text])
        assert list(verify(settings(), rows.TABLE)) == [], (call, which, done.stderr)
    record_fault("input/output error", f"{failed} of {failed} failed clearly, the last version readable")
