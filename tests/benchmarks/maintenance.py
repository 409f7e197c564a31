"""Effect of maintenance on a lake of many nights: files, bytes, and time of queries.

    .venv/bin/python -m tests.benchmarks.maintenance [--nights 60] [--events 10000]

Simulated logs are processed to events and interactions, night after night, in a separate lake. A backfill then rewrites the
interactions of all nights, and all files get the age of eight days. Queries run before `maintenance` and after two runs of it, a
week apart, because replaced files are kept for a week. Each time is the best of seven runs; the queries take turns.
"""

import argparse
import datetime as dt
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable
from tqdm import tqdm

from jobs.platform.settings import settings
from tests.jobs.integrity.ageing import age

FIRST = dt.date(2022, 3, 1)
TABLES = ("silver.behavior_events", "gold.daily_interactions")
_RUNS = 7


def ingest(nights: int) -> dt.date:
    """Process nights of simulated logs and return the last night."""
    from jobs.features import daily_interactions  # these start Spark, which reads the environment
    from jobs.ingest import behavior_events, behavior_log, land

    days = [FIRST + dt.timedelta(days=night) for night in range(nights)]
    for day in tqdm(days, unit="night"):
        for job in (land, behavior_log, behavior_events, daily_interactions):
            job.main(["--date", str(day)])
    for day in tqdm(days, unit="night again"):
        daily_interactions.main(["--date", str(day)])
    return days[-1]


def age_files() -> None:
    """Make all files older than a week, so that files without a version can be deleted."""
    for table in TABLES:
        age(settings().uri(table), days=8)


def queries(last: dt.date) -> dict[str, Callable[[], Any]]:
    """Return the timed queries: for each table one of four weeks, which all tables keep, and one of a single day."""
    day, weeks = last - dt.timedelta(days=5), last - dt.timedelta(days=27)

    def query_of(table: str, sql: str) -> Callable[[], Any]:
        def run() -> list[tuple[Any, ...]]:
            rows = DeltaTable(settings().uri(table)).to_pyarrow_dataset()  # noqa: F841  used in the SQL
            return sorted(duckdb.execute(sql).fetchall())

        return run

    events, interactions = TABLES
    clicks = "select is_click, count(*), sum(play_time_ms) from rows {} group by all"
    fans = "select video_id, count(*) from rows {} group by all"
    return {
        "events of four weeks": query_of(events, clicks.format(f"where event_date >= date '{weeks}'")),
        "events of a day": query_of(events, clicks.format(f"where event_date = date '{day}'")),
        "interactions of four weeks": query_of(interactions, fans.format(f"where date >= date '{weeks}'")),
        "interactions of a day": query_of(interactions, fans.format(f"where date = date '{day}'")),
    }


def best_times(timed: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the best time of each query in milliseconds."""
    measured: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(_RUNS):
        for name, run in timed.items():
            started = time.perf_counter()
            run()
            measured[name].append((time.perf_counter() - started) * 1000)
    return {name: min(times) for name, times in measured.items()}


def stored_files() -> dict[str, str]:
    """Describe the files of the current version of each table, and all of its files on disk."""
    descriptions = {}
    for table in TABLES:
        folder = Path(settings().uri(table))
        sizes = [file.stat().st_size for file in folder.rglob("[!.]*.parquet")]
        current = len(DeltaTable(str(folder)).file_uris())
        descriptions[table] = f"{current} files of {len(sizes)} on disk, {sum(sizes) / 1e6:.1f} MB"
    return descriptions


def main() -> None:
    """Run the benchmark and print the differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--events", type=int, default=10_000, help="events of each night")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "NIGHTREEL_HOME": home,
            "NIGHTREEL_SOURCE": "simulator",
            "NIGHTREEL_SIMULATED_EVENTS": str(args.events),
        }
        last = ingest(args.nights)
        timed = queries(last)
        answers = {name: run() for name, run in timed.items()}
        files, times = stored_files(), best_times(timed)

        from jobs.integrity import maintenance

        for _ in range(2):
            age_files()
            started = time.perf_counter()
            maintenance.main(["--date", str(last + dt.timedelta(days=1))])
            print(f"maintenance took {time.perf_counter() - started:.0f} s on {os.cpu_count()} cores")
        files_after, times_after = stored_files(), best_times(timed)
        for table, before in files.items():
            print(f"{table}: {before} -> {files_after[table]}")
        for name, milliseconds in times.items():
            after = times_after[name]
            print(f"{name}: {milliseconds:.1f} ms -> {after:.1f} ms, {milliseconds / after:.2f} times as fast")
        assert {name: timed[name]() for name in answers} == answers


if __name__ == "__main__":
    main()
