"""Time and memory of reading the interactions as of a night, without Spark.

    .venv/bin/python -m tests.benchmarks.interactions_as_of [--rows 100000 1000000]

A lake gets 30 nights of invented gold.daily_interactions with this number of rows each. A user has ten rows a night; a tenth of
the pairs are the same every night. Each number of rows is read in a new process, because the peak memory of a process never
decreases.
"""

import argparse
import datetime as dt
import os
import resource
import subprocess
import sys
import tempfile
import time

import duckdb
from deltalake import write_deltalake
from tqdm import tqdm

from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.recommend.interactions_as_of import LOOKBACK_DAYS, TABLE, arrow_interactions_as_of
from schemas.contract import load_contract

LAST = dt.date(2022, 5, 31)
_ROWS_OF_A_USER = 10


def write_nights(rows: int) -> None:
    """Write the nights up to LAST."""
    schema = load_contract(TABLE).arrow_schema()
    with duckdb.connect() as connection:
        for ago in tqdm(range(LOOKBACK_DAYS), unit="night"):
            night = LAST - dt.timedelta(days=ago)
            of_night = connection.sql(
                f"select md5(cast(row // {_ROWS_OF_A_USER} as varchar)) as user_id, "
                f"if(row % 10 = 0, row % 5000, hash(row, {ago}) % 5000)::bigint * 10 + row % {_ROWS_OF_A_USER} as video_id, "
                f"date '{night}' as event_date, 1::int as views, (row % 2)::int as long_views, 0::int as likes, "
                f"1000000 + hash(row, {ago}) % 500000 as strength_millionths, date '{night}' as date from range({rows}) as r(row)"
            )
            table = of_night.to_arrow_table().cast(schema)
            write_deltalake(settings().uri(TABLE), table, mode="append", partition_by=["date"])


def measure() -> None:
    """Read the interactions as of LAST, and print time and memory."""
    context = JobContext(LAST, settings(), trains="recommender")
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    table = arrow_interactions_as_of(context)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{table.num_rows:,} pairs ({table.nbytes / 1e6:.0f} MB) in {seconds:.1f} s, "
        f"{after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.1f} CPU s; "
        f"peak memory {after.ru_maxrss / 1024:.0f} MB, {before.ru_maxrss / 1024:.0f} MB before"
    )


def main() -> None:
    """Run the benchmark in processes of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000], help="rows of each night")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure()
        return
    for rows in args.rows:
        with tempfile.TemporaryDirectory() as home:
            os.environ |= {"NIGHTREEL_HOME": home}
            write_nights(rows)
            print(f"{rows:,} rows a night", flush=True)
            subprocess.run([sys.executable, "-m", __spec__.name, "--measure"], check=True)


if __name__ == "__main__":
    main()
