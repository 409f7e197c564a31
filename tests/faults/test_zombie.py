"""An attempt that was stopped, and wakes when its retry has published, is refused."""

import signal

import pytest

from jobs.platform.lake import Overtaken
from jobs.platform.lake.history import publications
from tests.faults import rows
from tests.faults.attempts import DAY, attempt, wait_until_stopped
from tests.faults.conftest import RecordFault


@pytest.mark.parametrize("place", ["begun", "audited"])
def test_it_is_refused(table: str, place: str, record_fault: RecordFault) -> None:
    zombie = attempt(table, "zombie", f"stop:{place}")
    wait_until_stopped(zombie)
    retry = attempt(table, "retry")
    assert retry.wait() == 0
    zombie.send_signal(signal.SIGCONT)
    said = zombie.communicate()[1]
    assert zombie.returncode == Overtaken.exit_code
    assert said.startswith("error: silver.quarantine: 2022-05-01 was published by another attempt")
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
