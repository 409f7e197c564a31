"""Attempts to publish a day, each in a process of its own, which a test can stop at a point of the write."""

import datetime as dt
import os
import subprocess
import sys

DAY = dt.date(2022, 5, 1)
"""The day that attempts publish."""
_ATTEMPT = """
import sys
from jobs.platform.command import command
from tests.faults import rows
from tests.faults.attempts import DAY
uri, said = sys.argv[1:]
with command([], None):
    rows.publish_day(uri, DAY, rows.rows(DAY, 10, said))
"""


def attempt(uri: str, said: str, failpoint: str = "") -> "subprocess.Popen[str]":
    """Start an attempt to publish ten rows that contain `said`."""
    command = [sys.executable, "-c", _ATTEMPT, uri, said]
    environment = os.environ | {"NIGHTREEL_FAILPOINT": failpoint}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def wait_until_stopped(process: "subprocess.Popen[str]") -> None:
    """Wait until an attempt has stopped itself at its failpoint."""
    state = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert state is not None
    assert state.si_code == os.CLD_STOPPED, process.communicate()[1]
