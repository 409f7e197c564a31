"""Takes quarantined rows in that pass by the rules of now: `make replay TABLE=silver.behavior_events [REASON=is_click_is_flag]`.

The ingest of each night that has such rows is run again from bronze: its events, its quarantine and its books, which have to
balance. So is that of the nights after it which may have taken in a row that now turns out to have come before. What follows
from them is stale then, and is listed in ops.stale_days. Without a reason, every night is brought under the rules of now.
"""

import argparse
import datetime as dt
from collections.abc import Sequence

from pyspark.sql import functions as F

from jobs.ingest import behavior_events, quarantine, reconciliation
from jobs.ingest.parse import EVENTS, parse, valid
from jobs.operate import stale_days
from jobs.platform.errors import MissingInput, UsageError
from jobs.platform.job import job
from jobs.platform.night import Night

_QUARANTINE = "silver.quarantine"
_INGEST = {EVENTS: behavior_events, _QUARANTINE: quarantine, "ops.reconciliation": reconciliation}


def passing(night: Night, reason: str) -> dict[dt.date, int]:
    """How many quarantined rows of each night, up to this one, pass by the rules of now.

    Args:
        night: that asks.
        reason: looks only at rows that were quarantined for this reason among others; at all where it is empty.

    Raises:
        MissingInput: no row is in quarantine for that reason, or there is no quarantine yet.
    """
    rows = night.read(_QUARANTINE).where((F.col("source") == EVENTS) & (F.col("arrival_date") <= F.lit(night.date)))
    names = F.transform("reasons", lambda text: F.substring_index(text, ":", 1))
    if reason and rows.where(F.array_contains(names, reason)).isEmpty():
        there = sorted(row.name for row in rows.select(F.explode(names).alias("name")).distinct().collect())
        raise MissingInput(
            f"{_QUARANTINE}: no row for REASON={reason}", hint=f"reasons are: {', '.join(there) or 'none'}"
        )
    lines = rows.where(F.array_contains(names, reason)) if reason else rows
    pass_now = valid(parse(lines.drop("reasons"), night.settings.timezone, night.settings.late_days))
    counted = pass_now.groupBy("arrival_date").count().orderBy("arrival_date").collect()
    return {row.arrival_date: row["count"] for row in counted}


def nights_to_run(night: Night, found: Sequence[dt.date], *, all_rules: bool) -> list[dt.date]:
    """The nights whose ingest has to be run again, oldest first.

    Args:
        night: that asks.
        found: nights with rows that pass now.
        all_rules: also the nights whose ingest a run of now would make otherwise for any other reason.
    """
    nights = set(found)
    if all_rules:
        nights |= {s.night for s in stale_days.stale_days(night.settings, night.date) if s.table in _INGEST}
    later = {day + dt.timedelta(days=late) for day in nights for late in range(1, night.settings.late_days + 1)}
    return sorted(day for day in nights | later if day <= night.date and night.has_day("bronze.behavior_log", day))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the nights' ingest again, then print what is stale."""
    with job(argv, __doc__, _arguments) as night:
        if night.args.table != EVENTS:
            raise UsageError(f"TABLE={night.args.table}: only rows of {EVENTS} are quarantined, so give TABLE={EVENTS}")
        found = passing(night, night.args.reason)
        nights = nights_to_run(night, list(found), all_rules=not night.args.reason)
    for day in nights:
        for table, ingest in _INGEST.items():
            # A person took in what was odd about the night when it was run first, and books must balance all the same.
            ingest.main(["--date", str(day), *(["--accept"] if table == "ops.reconciliation" else [])])
        print(f"{day}: ingested again, {found.get(day, 0)} rows of the quarantine pass now", flush=True)
    if not nights:
        print("no quarantined row passes by the rules of now")
    stale_days.main(["--date", str(night.date)])


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", required=True, help="the table that the rows would have gone to")
    parser.add_argument("--reason", default="", help="name of the rule, or the part of the reason before its colon")


if __name__ == "__main__":
    main()
