"""Takes quarantined rows in that pass by the rules of now: `make replay TABLE=silver.behavior_events [REASON=is_click_is_flag]`.

The ingest of each night that has such rows is run again, of the log from bronze, of a snapshot from its landing: the table, the
quarantine and the books, which have to balance. So is that of the nights after it which may have taken in an event that now
turns out to have come before. What follows from them is stale then, and is listed in ops.stale_days. Without a reason, every
night is brought under the rules of now.
"""

import argparse
import datetime as dt
from collections.abc import Sequence
from types import ModuleType

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.backfill import stale_days
from jobs.ingest import behavior_events, campaigns, quarantine, reconciliation, users, videos
from jobs.ingest.behavior_rows import EVENTS, parse_bronze
from jobs.ingest.feeds import NIGHTLY
from jobs.ingest.parse import valid
from jobs.ingest.snapshot import snapshot
from jobs.platform.errors import MissingInput, UsageError
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext

_QUARANTINE = "silver.quarantine"
_BRONZE = "bronze.behavior_log"
_FEEDS = {feed.table: name for name, feed in NIGHTLY.items()}
_WRITES: dict[str, ModuleType] = {
    EVENTS: behavior_events,
    "silver.users": users,
    "silver.videos": videos,
    "silver.campaigns": campaigns,
}
_AFTER: dict[str, ModuleType] = {_QUARANTINE: quarantine, "ops.reconciliation": reconciliation}


def passing(context: JobContext, table: str, reason: str) -> dict[dt.date, int]:
    """How many quarantined rows of each night, up to this one, pass by the rules of now.

    Args:
        context: of the job.
        table: that the rows would have gone to.
        reason: looks only at rows that were quarantined for this reason among others; at all where it is empty.

    Raises:
        MissingInput: no row is in quarantine for that reason, or there is no quarantine yet.
    """
    rows = context.lake.read(_QUARANTINE).where(
        (F.col("source") == table) & (F.col("arrival_date") <= F.lit(context.date))
    )
    names = F.transform("reasons", lambda text: F.substring_index(text, ":", 1))
    if reason and rows.where(F.array_contains(names, reason)).isEmpty():
        there = sorted(row.name for row in rows.select(F.explode(names).alias("name")).distinct().collect())
        raise MissingInput(
            f"{_QUARANTINE}: no row of {table} for REASON={reason}", hint=f"reasons are: {', '.join(there) or 'none'}"
        )
    wanted = (rows.where(F.array_contains(names, reason)) if reason else rows).select(
        "log_file", "log_line", "arrival_date"
    )
    days = [row.arrival_date for row in wanted.select("arrival_date").distinct().orderBy("arrival_date").collect()]
    return {day: n for day in days if (n := _that_pass(context, table, day, wanted))}


def _that_pass(context: JobContext, table: str, day: dt.date, wanted: DataFrame) -> int:
    if table == EVENTS:
        found = valid(parse_bronze(context.lake.read_day(_BRONZE, day), context.settings))
    else:
        found = valid(snapshot(JobContext(day, context.settings), _FEEDS[table]))
    of_day = wanted.where(F.col("arrival_date") == F.lit(day))
    return found.join(of_day, ["log_file", "log_line"], "left_semi").count()


def nights_to_run(context: JobContext, table: str, found: Sequence[dt.date], *, all_rules: bool) -> list[dt.date]:
    """The nights whose ingest has to be run again, oldest first.

    Args:
        context: of the job.
        table: that is replayed.
        found: nights with rows that pass now.
        all_rules: also the nights whose ingest a run of now would make otherwise for any other reason.
    """
    nights = set(found)
    if all_rules:
        ingested = {table, *_AFTER}
        nights |= {s.night for s in stale_days.stale_days(context.settings, context.date) if s.table in ingested}
    late_days = context.settings.late_days if table == EVENTS else 0
    later = {day + dt.timedelta(days=late) for day in nights for late in range(1, late_days + 1)}
    return sorted(day for day in nights | later if day <= context.date and context.lake.has_day(_BRONZE, day))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the nights' ingest again, then print what is stale."""
    with run_job(argv, __doc__, _arguments) as context:
        table = context.args.table
        if table not in _WRITES:
            raise UsageError(f"TABLE={table}: no row of it is quarantined; give one of {', '.join(_WRITES)}")
        found = passing(context, table, context.args.reason)
        nights = nights_to_run(context, table, list(found), all_rules=not context.args.reason)
    for day in nights:
        for ingest in (_WRITES[table], *_AFTER.values()):
            ingest.main(["--date", str(day)])
        print(f"{day}: ingested again, {found.get(day, 0)} rows of the quarantine pass now", flush=True)
    if not nights:
        print("no quarantined row passes by the rules of now")
    stale_days.main(["--date", str(context.date)])


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", required=True, help="the table that the rows would have gone to")
    parser.add_argument("--reason", default="", help="name of the rule, or the part of the reason before its colon")


if __name__ == "__main__":
    main()
