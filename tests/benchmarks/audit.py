"""Time of the audit of a written day for each row, and memory of the driver.

    .venv/bin/python -m tests.benchmarks.audit [--rows 1000000 5000000]

Synthetic events are written, audited and described as for a commit. Each number of rows runs in separate processes, a Spark
server and a driver, because the peak memory of a process never decreases. Run it on an idle machine.
"""

import argparse
import datetime as dt
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local.paths import State
from jobs.platform.lake import stage
from jobs.platform.lake.audit import audit
from schemas.contract import load_contract
from tests.infra.connect_server import connect_server

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

TABLE = "silver.behavior_events"
DAY = dt.date(2022, 5, 1)


def events(spark: "SparkSession", count: int) -> "DataFrame":
    """Return events that satisfy their contract."""
    from pyspark.sql import functions as F

    number = F.col("id")
    columns = {
        "user_id": F.md5((number % 27_000).cast("string")),
        "video_id": F.xxhash64("id") % 10_000 + 10_000,
        "time_ms": number + 1_651_334_400_000,
        "hourmin": F.lit(1200),
        "play_time_ms": F.abs(F.xxhash64("id")) % 60_000,
        "log_file": F.lit(f"behavior_logs/dt={DAY}/part-00000.csv.gz"),
        "log_line": number + 2,
    }
    default_by_type = {"date": F.lit(DAY), "int": (number % 2).cast("int"), "bigint": number % 1000}
    rows = spark.range(count, numPartitions=4)
    return rows.select(
        *(
            (columns[c.name] if c.name in columns else default_by_type[c.type]).alias(c.name)
            for c in load_contract(TABLE).columns
        )
    )


def measure(count: int) -> None:
    """Write and audit a day with this number of rows, and print time and memory."""
    from jobs.platform.spark import session

    contract, spark = load_contract(TABLE), session()
    seconds_by_step: dict[str, float] = {}
    for rows in (1000, count):  # the first one is a warm-up
        with tempfile.TemporaryDirectory() as uri:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            started = time.perf_counter()
            written = stage.write(events(spark, rows), contract, uri, DAY)
            seconds_by_step["write"] = time.perf_counter() - started
            content = audit(spark, contract, uri, DAY, written)
            seconds_by_step["audit"] = time.perf_counter() - started - seconds_by_step["write"]
            sha256 = stage.digests(spark, uri, [written.attempt])
            staged = stage.describe(uri, contract, DAY, written, content, sha256)
            seconds_by_step["files"] = (
                time.perf_counter() - started - seconds_by_step["write"] - seconds_by_step["audit"]
            )
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rates = ", ".join(f"{name} {seconds / count * 1e6:.2f}" for name, seconds in seconds_by_step.items())
    size = sum(file.size for file in staged.files) / 1e6
    print(
        f"{count:,} rows, {size:.0f} MB in {len(staged.files)} files: seconds per million rows: {rates}; "
        f"peak memory of the driver grew from {before / 1024:.0f} to {after / 1024:.0f} MiB",
        flush=True,
    )
    spark.stop()


def main() -> None:
    """Measure each number of rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 5_000_000])
    rows = parser.parse_args().rows
    if os.environ.get("SPARK_REMOTE"):
        measure(*rows)
        return
    for count in rows:
        with tempfile.TemporaryDirectory() as home, connect_server(State(Path(home))) as (_, address):
            command = [sys.executable, "-m", "tests.benchmarks.audit", "--rows", str(count)]
            subprocess.run(command, env={**os.environ, "SPARK_REMOTE": address}, check=True)


if __name__ == "__main__":
    main()
