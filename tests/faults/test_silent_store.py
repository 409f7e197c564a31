"""An object store that is silent for a while delays a job; one that stays silent ends it, with an error that names the store."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.platform import lake
from jobs.platform.settings import settings
from schemas.contract import load_contract
from tests import object_store
from tests.faults import rows
from tests.faults.attempts import DAY, attempt, wait_until_stopped
from tests.faults.conftest import RecordFault
from tests.faults.slow_proxy import Proxy

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PAUSE_S = 5
_SOON_S = 180  # delta-rs makes two attempts of 30 s; Spark makes two requests, each in four attempts of 15 s


@pytest.fixture
def proxy(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy in front of the store of an empty lake."""
    monkeypatch.setenv("NIGHTREEL_LAKE", "s3a://lake/tables")
    with object_store.versitygw(home, "lake") as address:
        proxy = Proxy(int(address.rpartition(":")[2]))
        object_store.use(proxy.address, monkeypatch)
        yield proxy
        proxy.close()


@pytest.mark.parametrize(
    ("how", "place"),
    [("write", "begun"), ("write", "audited"), pytest.param("write_with_spark", "staged", marks=pytest.mark.long)],
)
def test_a_pause_delays_the_write(
    spark: "SparkSession", proxy: Proxy, how: str, place: str, record_fault: RecordFault
) -> None:
    if how == "write_with_spark":
        object_store.need_jars(spark)
    uri = settings().uri(rows.TABLE)
    lake.create(load_contract(rows.TABLE), uri)
    paused = attempt(uri, "paused", f"stop:{place}", how)
    wait_until_stopped(paused)
    with proxy.silent():
        paused.send_signal(signal.SIGCONT)
        time.sleep(_PAUSE_S)
        assert paused.poll() is None
    assert paused.wait() == 0, paused.communicate()[1]
    assert rows.read(uri, DAY) == sorted(str(row["raw"]) for row in rows.rows(DAY, 10, "paused"))
    record_fault(f"the store is silent for {_PAUSE_S} s", "the write succeeds, the day is whole")


@pytest.mark.long
@pytest.mark.parametrize("how", ["write", "write_with_spark"])
def test_a_store_that_stays_silent_is_named(
    spark: "SparkSession", proxy: Proxy, how: str, record_fault: RecordFault
) -> None:
    if how == "write_with_spark":
        object_store.need_jars(spark)
    uri = settings().uri(rows.TABLE)
    lake.create(load_contract(rows.TABLE), uri)
    assert attempt(uri, "before", how=how).wait() == 0
    job = attempt(uri, "after", "stop:staged" if how == "write_with_spark" else "stop:audited", how)
    wait_until_stopped(job)
    with proxy.silent():
        job.send_signal(signal.SIGCONT)
        started = time.monotonic()
        last = job.communicate()[1].splitlines()[-1]
        seconds = time.monotonic() - started
    assert job.returncode == 1  # so that Airflow tries again
    assert last.startswith("error: ")
    assert proxy.address in last
    assert seconds < _SOON_S
    assert rows.read(uri, DAY) == sorted(str(row["raw"]) for row in rows.rows(DAY, 10, "before"))
    record_fault("the store stays silent", f"the job failed after {seconds:.0f} s, the last version readable")
