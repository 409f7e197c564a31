"""Bytes that a question about one user or one video reads, in the lake's files and in files as Spark writes them by default.

    .venv/bin/python -m tests.benchmarks.layout [--days 30] [--rows 500000]

Each day has this number of synthetic events, and their interactions. Questions are asked with DuckDB, as by `make sql`. Bytes are
what the process reads from files, according to the kernel.
"""

import argparse
import datetime as dt
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow.dataset as ds
from tqdm import tqdm

from jobs.platform import lake
from jobs.platform.job_context import JobContext
from jobs.platform.pseudonym import key, pseudonym, pseudonym_column
from jobs.platform.settings import settings
from schemas.contract import load_contract
from tests.benchmarks import audit

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FIRST = dt.date(2022, 3, 1)
USERS = 27_000
EVENTS, INTERACTIONS = "silver.behavior_events", "gold.daily_interactions"
_USER = 7
_VIDEO = 12_345
_QUESTIONS = {
    f"{EVENTS} of one user": (EVENTS, "user_id", "video_id, time_ms, is_click, play_time_ms"),
    f"{INTERACTIONS} of one video": (INTERACTIONS, "video_id", "user_id, event_date, views, likes"),
}


def fill(spark: "SparkSession", days: int, rows: int, plain: Path | None = None) -> None:
    """Write synthetic events and their interactions to the lake.

    Args:
        spark: the session.
        days: their number, from `FIRST`.
        rows: events of each day.
        plain: a folder for the same rows in files as Spark writes them by default, if any.
    """
    from pyspark.sql import functions as F

    from jobs.features import daily_interactions

    secret = key(settings())
    for night in tqdm([FIRST + dt.timedelta(days=day) for day in range(days)], unit="day"):
        user = pseudonym_column(F.pmod(F.xxhash64("log_line", F.lit(night)), F.lit(USERS)).cast("string"), secret)
        dates = dict.fromkeys(("date", "event_date", "arrival_date"), F.lit(night))
        # Hashed by the key, as the job's last shuffle does.
        keyed = audit.events(spark, rows).withColumns({"user_id": user, **dates}).repartition(2, "user_id", "time_ms")
        events = keyed.select(*(column.name for column in load_contract(EVENTS).columns))
        _write(events, EVENTS, night, plain)
        stored = JobContext(night, settings()).lake.read_day(EVENTS)
        history = spark.createDataFrame([], load_contract("silver.watch_history").struct_type())
        _write(daily_interactions.transform(stored, history, night), INTERACTIONS, night, plain)


def _write(frame: "DataFrame", table: str, night: dt.date, plain: Path | None) -> None:
    JobContext(night, settings(), writes=table).lake.write(frame)
    if plain:
        frame.write.partitionBy(*load_contract(table).partitioned_by).parquet(str(plain / table), mode="append")


def ask(rows: ds.Dataset, column: str, value: object, shown: str) -> tuple[int, int, float]:
    """Return the number of rows that a question finds, the bytes that it reads, and its seconds."""
    before, started = _bytes_read(), time.perf_counter()
    found = duckdb.execute(f"select {shown} from rows where {column} = $1", [value]).fetchall()
    return len(found), _bytes_read() - before, time.perf_counter() - started


def _bytes_read() -> int:
    counters = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counters["rchar"])


def main() -> None:
    """Fill a lake, ask the questions, and print the bytes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rows", type=int, default=500_000, help="events of each day")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["NIGHTREEL_HOME"] = home
        from jobs.platform.spark import session

        plain = Path(home, "plain")
        fill(session(), args.days, args.rows, plain)
        values = {"user_id": pseudonym(_USER, key(settings())), "video_id": _VIDEO}
        for question, (table, column, shown) in _QUESTIONS.items():
            uri = settings().uri(table)
            version = lake.version(uri)
            assert version is not None
            datasets = {
                "as Spark writes": ds.dataset(plain / table, partitioning="hive"),
                "sorted": lake.arrow(uri, version),
            }
            counts = set()
            for layout, rows in datasets.items():
                size = sum(Path(path).stat().st_size for path in _paths(rows, uri))
                ask(rows, column, values[column], shown)  # reads what is read once in a process
                count, read, seconds = ask(rows, column, values[column], shown)
                counts.add(count)
                print(
                    f"{question}, {layout}: {count} rows of {size / 1e6:.0f} MB in {len(rows.files)} files: "
                    f"{read / 1e6:.1f} MB read ({read / size:.1%}), {seconds * 1000:.0f} ms",
                    flush=True,
                )
            assert len(counts) == 1


def _paths(rows: ds.FileSystemDataset, uri: str) -> list[Path]:
    return [Path(uri, path) if not Path(path).is_absolute() else Path(path) for path in rows.files]


if __name__ == "__main__":
    main()
