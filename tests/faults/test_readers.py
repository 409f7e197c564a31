"""Whoever reads while days are published, joined and vacuumed sees a whole day, the old one or the new one."""

import datetime as dt
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deltalake import DeltaTable
from pyspark.sql import SparkSession

from jobs.integrity import maintenance
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from tests.faults import rows
from tests.faults.conftest import RecordFault

DAY = dt.date(2022, 5, 1)
READS = 6
JOINS = 3

WRITER = """
import datetime as dt, sys
from pathlib import Path
from jobs.platform.lake.vacuum import vacuum
from tests.faults import rows
uri, stop = sys.argv[1], Path(sys.argv[2])
day = dt.date(2022, 5, 1)
turn = 1
while not stop.exists():
    rows.publish_day(uri, day, rows.rows(day, 50, str(turn)))
    if turn % 5 == 0:
        vacuum(uri, ())
    turn += 1
"""


def read_whole(table: str, spark: SparkSession) -> list[str]:
    """What the day's rows say, to delta-rs and to Spark; each must see all of them, and all of one publication."""
    seen: list[str] = []
    of_spark = [row.raw for row in spark.read.format("delta").load(table).select("raw").collect()]
    for found in (rows.read(table, DAY), of_spark):
        said = {raw.split(",")[0] for raw in found}
        assert len(said) == 1
        assert len(found) == 50
        seen += said
    return seen


def test_no_reader_fails_or_sees_half_a_day(
    table: str, home: Path, spark: SparkSession, record_fault: RecordFault
) -> None:
    rows.publish_day(table, DAY, rows.rows(DAY, 50, "0"))
    stop = home / "stop"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, table, str(stop)])
    seen: list[str] = []
    try:
        while len(seen) < 2 * READS or len(set(seen)) < READS:
            assert writer.poll() is None
            seen += read_whole(table, spark)
    finally:
        stop.touch()
        assert writer.wait() == 0
    record_fault("readers during publish and VACUUM", f"{len(seen)} reads of {len(set(seen))} versions, all whole")


def test_no_reader_fails_while_files_are_joined(
    table: str, home: Path, spark: SparkSession, record_fault: RecordFault
) -> None:
    JobContext(DAY, settings(), writes=rows.TABLE).lake.write(rows.as_table(table, DAY, rows.rows(DAY, 50, "0")))
    files = set(DeltaTable(table).file_uris())
    night = JobContext(DAY + dt.timedelta(days=1), settings())
    reads = 0
    with ThreadPoolExecutor(1) as aside:
        joined = aside.submit(lambda: [maintenance._compact(night, rows.TABLE, DAY) for _ in range(JOINS)])
        while not joined.done():
            reads += len(read_whole(table, spark))
    assert joined.result() == [1] * JOINS
    assert files.isdisjoint(DeltaTable(table).file_uris())
    record_fault("readers during OPTIMIZE", f"{reads} reads while files were joined {JOINS} times, all whole")
    assert reads >= JOINS
