"""Dry run of a backfill: `make backfill FROM=… TO=… DRY_RUN=1`, or with `STALE=1` for the stale nights.

For each night and table it prints whether the night is new, is stale (would change, with the reasons), may change because an
input is new or may change, or would be rewritten with the same content. The duration is estimated from earlier nights.
"""

import argparse
import datetime as dt
import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from jobs.backfill.stale_days import Stale, stale_days
from jobs.backfill.table_text import table_text
from jobs.platform.command import day
from jobs.platform.job import run_job
from jobs.platform.lake import latest, tables
from jobs.platform.settings import Settings
from schemas.days import days_between
from schemas.dependencies import days_read, tables_of_a_night

NEW, STALE, MAY_CHANGE, SAME = "new", "stale", "maybe", "same"


def expected_changes(
    settings: Settings, nights: Sequence[dt.date], requested_tables: Sequence[str], stale: Sequence[Stale]
) -> dict[tuple[dt.date, str], str]:
    """Return what a backfill would do to each night of each table: NEW, STALE, MAY_CHANGE or SAME.

    Args:
        settings: the location of the lake.
        nights: the nights of the backfill, in order.
        requested_tables: the tables of the backfill, each after its inputs.
        stale: the nights that are stale now.
    """
    published_nights = {
        table: {night for night, publication in latest(settings.uri(table)).items() if not publication.dropped}
        for table in tables(settings)
    }
    is_stale = {(s.night, s.table) for s in stale}
    changes: dict[tuple[dt.date, str], str] = {}
    for night in nights:
        for table in requested_tables:
            read = days_read(table, night, settings.late_days)
            inputs = {
                changes.get((input_day, name), SAME) for name, input_days in read.items() for input_day in input_days
            }
            if night not in published_nights.get(table, ()):
                changes[night, table] = NEW
            elif (night, table) in is_stale:
                changes[night, table] = STALE
            else:
                changes[night, table] = SAME if inputs <= {SAME} else MAY_CHANGE
    return changes


def seconds_per_night(home: Path, requested_tables: Sequence[str]) -> list[float]:
    """Return the durations of earlier nights that `make nightly` or `make backfill` ran.

    For all tables: the elapsed time of each night; nights that ran together share it. For some tables: the sum of their tasks'
    durations; each task has the name of its table.
    """
    if set(requested_tables) == set(tables_of_a_night()):
        return [json.loads(path.read_text())["seconds"] for path in sorted((home / "run" / "elapsed").glob("*.json"))]
    names = {table.rpartition(".")[2] for table in requested_tables}
    nights = [json.loads(path.read_text()) for path in sorted((home / "run" / "durations").glob("*.json"))]
    return [sum(seconds for task, seconds in night.items() if task.rpartition(".")[2] in names) for night in nights]


def plan(
    settings: Settings, nights: Sequence[dt.date], requested_tables: Sequence[str], stale: Sequence[Stale]
) -> Iterator[str]:
    """Yield the lines of the plan; for the arguments see `expected_changes`."""
    yield from table_text(nights, requested_tables, expected_changes(settings, nights, requested_tables, stale))
    yield ""
    yield f"  {NEW}: not published yet; {STALE}: would change; {MAY_CHANGE}: an input may change; {SAME}: same content again"
    for s in stale:
        if s.night in nights and s.table in requested_tables:
            yield f"  {s.night} {s.table}: {'; '.join(s.reasons)}"
    yield ""
    if measured := seconds_per_night(settings.home, requested_tables):
        median = statistics.median(measured)
        expected = dt.timedelta(seconds=round(median * len(nights)))
        yield f"  {len(nights)} nights, about {expected}: {median:.0f} s each, the median of {len(measured)} earlier nights"
    else:
        yield f"  {len(nights)} nights; the duration is unknown, because no night has run here before"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the plan for the nights from `--first` to `--date`; without `--first`, for the stale nights up to `--date`."""
    with run_job(argv, __doc__, _arguments) as context:
        stale = stale_days(context.settings, context.date)
        if context.args.first is None:
            nights = sorted({s.night for s in stale})
        else:
            nights = days_between(context.args.first, context.date, context.settings.timezone)
        lines = plan(context.settings, nights, context.args.tables, stale) if nights else ["no night is stale"]
        print("\n".join(lines))


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--first", type=day, help="the first night (default: the stale nights)")
    parser.add_argument("--tables", nargs="+", default=tables_of_a_night(), help="the tables of the backfill")


if __name__ == "__main__":
    main()
