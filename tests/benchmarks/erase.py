"""CPU time and memory of erasing users from a lake.

    .venv/bin/python -m tests.benchmarks.erase [--days 30] [--rows 200000] [--users 100]

The lake is that of `tests.benchmarks.layout`: events and interactions. `make erase` runs in its own process, with a Spark Connect
server as on one machine, once to erase the users and once more to search for them in vain.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from infra.local.paths import State
from tests.benchmarks import layout
from tests.benchmarks.growth import Peak
from tests.infra.connect_server import connect_server


def run_erase(users: Path, spark_pid: int) -> str:
    """Erase users and describe what it took."""
    spark, started = Peak(spark_pid), time.perf_counter()
    job = subprocess.Popen([sys.executable, "-m", "jobs.privacy.erase", "--users", str(users)])
    _, status, usage = os.wait4(job.pid, 0)
    spark.stop()
    assert status == 0
    return (
        f"{time.perf_counter() - started:.0f} s, {usage.ru_utime + usage.ru_stime:.0f} CPU s of the job's process, "
        f"{spark.cpu_s:.0f} of Spark; peak memory of the job's process {usage.ru_maxrss / 1024:.0f} MiB"
    )


def main() -> None:
    """Fill a lake and erase users from it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rows", type=int, default=200_000, help="events of each day")
    parser.add_argument("--users", type=int, default=100)
    args = parser.parse_args()
    if os.environ.get("SPARK_REMOTE"):  # in the process that fills the lake, whose memory does not count
        from jobs.platform.spark import session

        layout.fill(session(), args.days, args.rows)
        return
    with tempfile.TemporaryDirectory() as home, connect_server(State(Path(home))) as (daemon, address):
        os.environ |= {"NIGHTREEL_HOME": home, "SPARK_REMOTE": address}
        assert daemon.pid is not None
        subprocess.run([sys.executable, "-m", "tests.benchmarks.erase", *sys.argv[1:]], check=True)
        users = Path(home, "users.txt")
        users.write_text("\n".join(map(str, range(args.users))))
        for title in ("erased", "searched in vain"):
            print(f"{title}: {run_erase(users, daemon.pid)}", flush=True)


if __name__ == "__main__":
    main()
