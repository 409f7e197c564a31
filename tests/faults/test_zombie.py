"""An attempt that was stopped, and wakes when its retry has published, is refused."""

import datetime as dt
import os
import signal
import subprocess
import sys

import pytest

from jobs.platform.lake.history import publications
from tests.faults import rows
from tests.faults.conftest import RecordFault

DAY = dt.date(2022, 5, 1)

ATTEMPT = """
import datetime as dt, sys
from tests.faults import rows
uri, said = sys.argv[1:]
day = dt.date(2022, 5, 1)
rows.publish_day(uri, day, rows.rows(day, 10, said))
"""


def attempt(uri: str, said: str, failpoint: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ATTEMPT, uri, said]
    return subprocess.Popen(
        command, env={**os.environ, "NIGHTREEL_FAILPOINT": failpoint}, stderr=subprocess.PIPE, text=True
    )


def wait_until_stopped(process: "subprocess.Popen[str]") -> None:
    state = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert state is not None
    assert state.si_code == os.CLD_STOPPED, process.communicate()[1]


@pytest.mark.parametrize("place", ["begun", "audited"])
def test_it_is_refused(table: str, place: str, record_fault: RecordFault) -> None:
    zombie = attempt(table, "zombie", f"stop:{place}")
    wait_until_stopped(zombie)
    retry = attempt(table, "retry")
    assert retry.wait() == 0
    zombie.send_signal(signal.SIGCONT)
    said = zombie.communicate()[1]
    assert zombie.returncode != 0
    assert "Overtaken: silver.quarantine: 2022-05-01 was published by another attempt" in said
    published = publications(table)
    record_fault("zombie attempt and its retry", f"{len(published)} publish, the zombie refused")
    assert len(published) == 1
    assert rows.read(table, DAY) == sorted(str(row["raw"]) for row in rows.rows(DAY, 10, "retry"))


def test_a_reply_that_is_lost_is_no_loss(
    table: str, record_fault: RecordFault, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deltalake.exceptions import CommitFailedError

    from jobs.platform.lake import commit

    def lose_reply(name: str) -> None:
        if name == "committed":
            raise CommitFailedError("the connection was lost")

    monkeypatch.setattr(commit, "failpoint", lose_reply)
    version = rows.publish_day(table, DAY, rows.rows(DAY, 10))
    published = publications(table)
    record_fault("commit reply lost", f"seen as committed, {len(published)} publish")
    assert [p.version for p in published] == [version]
    assert len(rows.read(table, DAY)) == 10
