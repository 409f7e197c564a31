"""Memory of a Spark Connect server that serves one session after the other, as the server of a nightly platform does for weeks.

    .venv/bin/python -m tests.benchmarks.sessions [--sessions 200]

Each session does what a small job does: it reads a Delta table and replaces one of its 30 days. After 20, 50, 100, 200 …
sessions the JVM collects all garbage, and the heap that is still used is printed.
"""

import argparse
import datetime as dt
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from infra.local.paths import State
from jobs.platform import lake
from jobs.platform.spark import session
from schemas.contract import load_contract
from tests.faults import rows
from tests.infra.connect_server import connect_server

_FIRST = dt.date(2022, 5, 1)
_DAYS = 30
_MEASURED_AT = (20, 50, 100, 200, 500, 1000, 2000)


def run_job(uri: str, number: int) -> None:
    """Read the table and replace a day of it, in a session of its own."""
    spark, contract, day = session(), load_contract(rows.TABLE), _FIRST + dt.timedelta(days=number % _DAYS)
    lake.create(contract, uri)
    version = lake.version(uri)
    assert version is not None
    before = lake.frame(spark, uri, version).where(f"arrival_date < DATE'{day}'").count()
    frame = spark.createDataFrame(rows.as_table(uri, day, rows.rows(day, 100, f"{number} after {before}")))
    lake.replace_day(spark, frame, contract, uri, day, lake.token(uri, day), {"run": "benchmark", "inputs": {}})
    spark.stop()


def used_mib(pid: int) -> tuple[float, float]:
    """Return the used heap and the used metaspace of a JVM after a full collection, in MiB."""
    subprocess.run(["jcmd", str(pid), "GC.run"], check=True, capture_output=True)
    info = subprocess.run(["jcmd", str(pid), "GC.heap_info"], check=True, capture_output=True, text=True).stdout
    heap = sum(int(kib) for kib in re.findall(r"total \d+K, used (\d+)K", info))
    metaspace = re.search(r"Metaspace\s+used (\d+)K", info)
    assert metaspace is not None, info
    return heap / 1024, int(metaspace[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=200)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, connect_server(State(Path(folder))) as (server, address):
        os.environ |= {"NIGHTREEL_HOME": folder, "SPARK_REMOTE": address}
        assert server.pid is not None
        heaps: list[float] = []
        started = time.perf_counter()
        for number in range(1, args.sessions + 1):
            run_job(f"{folder}/lake/{rows.TABLE.replace('.', '/')}", number)
            if number in _MEASURED_AT:
                heap, metaspace = used_mib(server.pid)
                heaps.append(heap)
                seconds = time.perf_counter() - started
                print(
                    f"{number} sessions, {seconds:.0f} s: heap {heap:.1f} MiB, metaspace {metaspace:.1f} MiB",
                    flush=True,
                )
        print(f"growth of the heap since the first measurement: {heaps[-1] / heaps[0] - 1:.1%}")


if __name__ == "__main__":
    main()
