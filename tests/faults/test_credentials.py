"""Credentials that are revoked during a night end a job with one line, and with renewed ones a rerun gives the same content."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.platform import lake
from jobs.platform.errors import AccessRefused
from jobs.platform.settings import settings
from schemas.contract import load_contract
from tests import object_store
from tests.faults import rows
from tests.faults.attempts import DAY, attempt, wait_until_stopped
from tests.faults.conftest import RecordFault

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.mark.parametrize(
    ("how", "place"),
    [
        ("write", "begun"),
        ("write", "audited"),
        pytest.param("write_with_spark", "staged", marks=pytest.mark.long),
    ],
)
def test_a_write_ends_with_one_line(
    spark: "SparkSession",
    home: Path,
    how: str,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    record_fault: RecordFault,
) -> None:
    if how == "write_with_spark":
        object_store.need_jars(spark)
    before, after = (sorted(str(row["raw"]) for row in rows.rows(DAY, 10, said)) for said in ("before", "after"))
    monkeypatch.setenv("NIGHTREEL_LAKE", "s3a://lake/tables")
    with object_store.versitygw(home, "lake") as address:
        object_store.use(address, monkeypatch)
        uri = settings().uri(rows.TABLE)
        lake.create(load_contract(rows.TABLE), uri)
        assert attempt(uri, "before").wait() == 0
        revoked = attempt(uri, "after", f"stop:{place}", how)
        wait_until_stopped(revoked)
    with object_store.versitygw(home, "lake", int(address.rpartition(":")[2]), "renewed"):
        revoked.send_signal(signal.SIGCONT)
        lines = revoked.communicate()[1].splitlines()
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "renewed")
        assert rows.read(uri, DAY) == before
        assert attempt(uri, "after", how=how).wait() == 0
        assert rows.read(uri, DAY) == after
    record_fault("credentials revoked during a write", f"exit code {revoked.returncode}, one line; the rerun is right")
    assert revoked.returncode == AccessRefused.exit_code
    assert "Traceback (most recent call last):" not in lines
    assert lines[-1].startswith(f"error: the object store {address} refused ")
    assert "renew AWS_ACCESS_KEY_ID" in lines[-1]


@pytest.mark.long
def test_spark_is_given_the_token_of_temporary_credentials(
    spark: "SparkSession", home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    object_store.need_jars(spark)
    read = "from jobs.platform.spark import session; session().read.parquet('s3a://lake/tables')"
    with object_store.versitygw(home, "lake") as address:
        object_store.use(address, monkeypatch)
        monkeypatch.setenv("AWS_SESSION_TOKEN", "expired")  # versitygw refuses every token
        ended = subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, check=False)
    assert "Bad Request (Service: S3, Status Code: 400" in ended.stderr
