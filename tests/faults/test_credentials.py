"""Credentials that are revoked during a night end a job with one line, and with renewed ones a rerun gives the same content."""

import signal
from pathlib import Path

import pytest

from jobs.platform import lake
from jobs.platform.errors import AccessRefused
from jobs.platform.settings import settings
from schemas.contract import load_contract
from tests import object_store
from tests.faults import rows
from tests.faults.attempts import DAY, attempt, wait_until_stopped
from tests.faults.conftest import RecordFault


@pytest.mark.parametrize("place", ["begun", "audited"])
@pytest.mark.usefixtures("spark")
def test_a_write_ends_with_one_line(
    home: Path, place: str, monkeypatch: pytest.MonkeyPatch, record_fault: RecordFault
) -> None:
    before, after = (sorted(str(row["raw"]) for row in rows.rows(DAY, 10, said)) for said in ("before", "after"))
    monkeypatch.setenv("NIGHTREEL_LAKE", "s3a://lake/tables")
    with object_store.versitygw(home, "lake") as address:
        object_store.use(address, monkeypatch)
        uri = settings().uri(rows.TABLE)
        lake.create(load_contract(rows.TABLE), uri)
        assert attempt(uri, "before").wait() == 0
        revoked = attempt(uri, "after", f"stop:{place}")
        wait_until_stopped(revoked)
    with object_store.versitygw(home, "lake", int(address.rpartition(":")[2]), "renewed"):
        revoked.send_signal(signal.SIGCONT)
        lines = revoked.communicate()[1].splitlines()
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "renewed")
        assert rows.read(uri, DAY) == before
        assert attempt(uri, "after").wait() == 0
        assert rows.read(uri, DAY) == after
    record_fault("credentials revoked during a write", f"exit code {revoked.returncode}, one line; the rerun is right")
    assert revoked.returncode == AccessRefused.exit_code
    assert len(lines) == 1
    assert lines[0].startswith(f"error: the object store {address} refused ")
    assert "renew AWS_ACCESS_KEY_ID" in lines[0]
