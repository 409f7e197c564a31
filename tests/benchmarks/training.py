"""Time and memory of training ALS in one process and on Spark's executors.

    .venv/bin/python -m tests.benchmarks.training [--rows 33000 100000] [--places memory executors]

A lake gets 30 nights of invented gold.daily_interactions with this number of rows each, see `interactions_as_of`, and 50,000
videos. The model is fitted twice and evaluated, as on a night, by a new process for each number of rows and each place. Peak
memory is that of the process, and with Spark's JVM and Python workers.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from jobs.recommend.interactions_as_of import LOOKBACK_DAYS
from tests.benchmarks.growth import Peak
from tests.benchmarks.interactions_as_of import LAST, write_nights
from tests.jobs.lake import insert_rows

LIMITS = {"memory": 10**12, "executors": 0}
_VIDEOS = 50_000


def main() -> None:
    """Print one line for each number of rows and place."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[33_000, 100_000], help="rows of each night")
    parser.add_argument("--places", nargs="+", choices=LIMITS, default=list(LIMITS))
    args = parser.parse_args()
    command = [sys.executable, "-m", "jobs.recommend.train", "--model", "als", "--date", str(LAST)]
    for rows in args.rows:
        with tempfile.TemporaryDirectory() as home:
            os.environ |= {"NIGHTREEL_HOME": home, "NIGHTREEL_PSEUDONYM_KEY": "0" * 64}
            write_nights(rows)
            videos = [{"video_id": i, "visible": True, "tags": [], "arrival_date": LAST} for i in range(_VIDEOS)]
            insert_rows(Path(home), "silver.videos", videos)
            for place in args.places:
                environment = os.environ | {"NIGHTREEL_PAIRS_IN_MEMORY": str(LIMITS[place])}
                started = time.perf_counter()
                pid = os.posix_spawn(sys.executable, command, environment)
                all_processes = Peak(pid)
                _, status, usage = os.wait4(pid, 0)
                all_processes.stop()
                if status:
                    raise SystemExit(f"the training in {place} failed")
                print(
                    f"{rows * LOOKBACK_DAYS:,} rows, {place}: {time.perf_counter() - started:.0f} s, "
                    f"{all_processes.cpu_s:.0f} CPU s, peak memory {usage.ru_maxrss / 1024:.0f} MiB, "
                    f"with Spark {all_processes.mib:.0f} MiB",
                    flush=True,
                )


if __name__ == "__main__":
    main()
