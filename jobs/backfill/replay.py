"""Ingests quarantined rows that pass the current rules: `make replay TABLE=silver.behavior_events [REASON=is_click_is_flag]`.

It reruns the ingest of each night with such rows (the log from bronze, snapshots from their landing): the table, the quarantine
and the row counts in ops.reconciliation, which must add up. It also reruns the nights after them whose ingest may contain a
duplicate of an event that now belongs to an earlier night. Tables made from these nights become stale and are listed in
ops.stale_days. Without a reason, every night whose ingest is stale is rerun too.
"""

import argparse
import datetime as dt
from collections.abc import Sequence
from types import ModuleType

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.backfill import stale_days
from jobs.ingest import behavior_events, campaigns, quarantine, reconciliation, users, video_prompts, videos
from jobs.ingest.behavior_rows import EVENTS, parse_bronze
from jobs.ingest.feeds import RECONCILED
from jobs.ingest.parse import valid_rows
from jobs.ingest.snapshot import snapshot
from jobs.platform.errors import MissingInput, UsageError
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext

_QUARANTINE = "silver.quarantine"
_BRONZE = "bronze.behavior_log"
_FEEDS = {feed.table: name for name, feed in RECONCILED.items()}
_WRITES: dict[str, ModuleType] = {
    EVENTS: behavior_events,
    "silver.users": users,
    "silver.videos": videos,
    "silver.campaigns": campaigns,
    "silver.video_prompts": video_prompts,
}
_FOLLOWING: dict[str, ModuleType] = {_QUARANTINE: quarantine, "ops.reconciliation": reconciliation}


def count_passing(context: JobContext, table: str, reason: str) -> dict[dt.date, int]:
    """Count the quarantined rows of each night, up to this one, that pass the current rules.

    Args:
        context: of the job.
        table: the target table of the rows.
        reason: only rows that have this reason, alone or among others; all rows if empty.

    Raises:
        MissingInput: no quarantined row has that reason, or there is no quarantine yet.
    """
    rows = context.lake.read(_QUARANTINE).where(
        (F.col("source") == table) & (F.col("arrival_date") <= F.lit(context.date))
    )
    names = F.transform("reasons", lambda text: F.substring_index(text, ":", 1))
    if reason and rows.where(F.array_contains(names, reason)).isEmpty():
        reasons = sorted(row.name for row in rows.select(F.explode(names).alias("name")).distinct().collect())
        raise MissingInput(
            f"{_QUARANTINE}: no row of {table} for REASON={reason}", hint=f"reasons are: {', '.join(reasons) or 'none'}"
        )
    selected = (rows.where(F.array_contains(names, reason)) if reason else rows).select(
        "log_file", "log_line", "arrival_date"
    )
    days = [row.arrival_date for row in selected.select("arrival_date").distinct().orderBy("arrival_date").collect()]
    return {day: n for day in days if (n := _count_passing_of_day(context, table, day, selected))}


def _count_passing_of_day(context: JobContext, table: str, day: dt.date, selected: DataFrame) -> int:
    if table == EVENTS:
        passing = valid_rows(parse_bronze(context.lake.read_day(_BRONZE, day), context.settings))
    else:
        passing = valid_rows(snapshot(JobContext(day, context.settings), _FEEDS[table]))
    of_day = selected.where(F.col("arrival_date") == F.lit(day))
    return passing.join(of_day, ["log_file", "log_line"], "left_semi").count()


def nights_to_rerun(context: JobContext, table: str, passing: Sequence[dt.date], *, all_stale: bool) -> list[dt.date]:
    """Return the nights whose ingest has to be rerun, oldest first.

    Args:
        context: of the job.
        table: the replayed table.
        passing: nights with quarantined rows that pass now.
        all_stale: also the nights whose ingest is stale for any other reason.
    """
    nights = set(passing)
    if all_stale:
        ingested = {table, *_FOLLOWING}
        nights |= {s.night for s in stale_days.stale_days(context.settings, context.date) if s.table in ingested}
    late_days = context.settings.late_days if table == EVENTS else 0
    later = {day + dt.timedelta(days=late) for day in nights for late in range(1, late_days + 1)}
    return sorted(day for day in nights | later if day <= context.date and context.lake.has_day(_BRONZE, day))


def main(argv: Sequence[str] | None = None) -> None:
    """Rerun the nights' ingest, then print the stale nights."""
    with run_job(argv, __doc__, _arguments) as context:
        table = context.args.table
        if table not in _WRITES:
            raise UsageError(f"TABLE={table} has no quarantine; use one of {', '.join(_WRITES)}")
        passing = count_passing(context, table, context.args.reason)
        nights = nights_to_rerun(context, table, list(passing), all_stale=not context.args.reason)
    for day in nights:
        for ingest in (_WRITES[table], *_FOLLOWING.values()):
            ingest.main(["--date", str(day)])
        print(f"{day}: ingested again, {passing.get(day, 0)} quarantined rows pass now", flush=True)
    if not nights:
        print("no quarantined row passes the current rules")
    stale_days.main(["--date", str(context.date)])


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", required=True, help="the target table of the quarantined rows")
    parser.add_argument("--reason", default="", help="name of the rule, i.e. the part of the reason before its colon")


if __name__ == "__main__":
    main()
