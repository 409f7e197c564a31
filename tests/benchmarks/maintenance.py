"""Measures the effect of maintenance on a lake of many nights: number and size of files, and query time.

    .venv/bin/python -m tests.benchmarks.maintenance [--nights 60] [--events 10000]

Simulated logs are processed to events and interactions, night after night, in a temporary lake. A backfill computes the
interactions of all nights again. Queries run before `maintenance` and after two runs of it, a week apart, because replaced files
are kept for a week (files are aged by eight days before each run). Each query time is the best of seven runs, and the queries
alternate.
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
TABLES = ("silver.behavior_events", "gold.interactions")
_TIMES = 7


def ingest(nights: int) -> dt.date:
    """Process nights of simulated logs, and return the last night."""
    from jobs.features import interactions  # start Spark, which reads the environment
    from jobs.ingest import behavior_events, behavior_log, land

    days = [FIRST + dt.timedelta(days=night) for night in range(nights)]
    for day in tqdm(days, unit="night"):
        for job in (land, behavior_log, behavior_events, interactions):
            job.main(["--date", str(day)])
    for day in tqdm(days, unit="night again"):
        interactions.main(["--date", str(day)])
    return days[-1]


def a_week_passes() -> None:
    """Age all files, so that maintenance may delete those that are in no current version."""
    for table in TABLES:
        age(settings().uri(table), days=8)


def questions(last: dt.date) -> dict[str, Callable[[], Any]]:
    """Return the queries: for each table one over four weeks, which all tables keep, and one over a single day."""
    day, weeks = last - dt.timedelta(days=5), last - dt.timedelta(days=27)

    def ask(table: str, query: str) -> Callable[[], Any]:
        def asked() -> list[tuple[Any, ...]]:
            rows = DeltaTable(settings().uri(table)).to_pyarrow_dataset()  # noqa: F841  used in the query
            return sorted(duckdb.execute(query).fetchall())

        return asked

    events, interactions = TABLES
    clicks = "select is_click, count(*), sum(play_time_ms) from rows {} group by all"
    fans = "select video_id, count(*) from rows {} group by all"
    return {
        "events of four weeks": ask(events, clicks.format(f"where event_date >= date '{weeks}'")),
        "events of a day": ask(events, clicks.format(f"where event_date = date '{day}'")),
        "interactions of four weeks": ask(interactions, fans.format(f"where date >= date '{weeks}'")),
        "interactions of a day": ask(interactions, fans.format(f"where date = date '{day}'")),
    }


def best(asked: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the shortest time of each query in milliseconds."""
    taken: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(_TIMES):
        for name, ask in asked.items():
            started = time.perf_counter()
            ask()
            taken[name].append((time.perf_counter() - started) * 1000)
    return {name: min(times) for name, times in taken.items()}


def stored() -> dict[str, str]:
    """Describe each table: files of its current version, and number and size of all its files on the disk."""
    found = {}
    for table in TABLES:
        folder = Path(settings().uri(table))
        sizes = [file.stat().st_size for file in folder.rglob("[!.]*.parquet")]
        current = len(DeltaTable(str(folder)).file_uris())
        found[table] = f"{current} files of {len(sizes)} on the disk, {sum(sizes) / 1e6:.1f} MB"
    return found


def main() -> None:
    """Run the benchmark and print the changes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--events", type=int, default=10_000, help="a night")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "NIGHTREEL_HOME": home,
            "NIGHTREEL_SOURCE": "simulator",
            "NIGHTREEL_SIMULATED_EVENTS": str(args.events),
        }
        last = ingest(args.nights)
        asked = questions(last)
        answers = {name: ask() for name, ask in asked.items()}
        files, times = stored(), best(asked)

        from jobs.integrity import maintenance

        for _ in range(2):
            a_week_passes()
            started = time.perf_counter()
            maintenance.main(["--date", str(last + dt.timedelta(days=1))])
            print(f"maintenance took {time.perf_counter() - started:.0f} s on {os.cpu_count()} cores")
        files_after, times_after = stored(), best(asked)
        for table, before in files.items():
            print(f"{table}: {before} -> {files_after[table]}")
        for name, took in times.items():
            print(f"{name}: {took:.1f} ms -> {times_after[name]:.1f} ms, {took / times_after[name]:.2f} times as fast")
        assert {name: asked[name]() for name in answers} == answers


if __name__ == "__main__":
    main()
