"""What a backfill would do, without doing it: `make backfill FROM=… TO=… DRY_RUN=1`, or `STALE=1` for the stale nights.

For each night and table it says whether the night is new, is stale (would change, and why), may change since an input is new
or may change itself, or would be made again alike. How long it takes is told from nights that were run before.
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


def planned(
    settings: Settings, nights: Sequence[dt.date], wanted: Sequence[str], stale: Sequence[Stale]
) -> dict[tuple[dt.date, str], str]:
    """What a backfill would do to each of the tables.

    Args:
        settings: name the lake.
        nights: to be run, in order.
        wanted: the tables to be made, each after its inputs.
        stale: what is stale now.
    """
    there = {
        table: {night for night, made in latest(settings.uri(table)).items() if not made.dropped}
        for table in tables(settings)
    }
    is_stale = {(s.night, s.table) for s in stale}
    found: dict[tuple[dt.date, str], str] = {}
    for night in nights:
        for table in wanted:
            read = days_read(table, night, settings.late_days)
            inputs = {
                found.get((input_day, name), SAME) for name, input_days in read.items() for input_day in input_days
            }
            if night not in there.get(table, ()):
                found[night, table] = NEW
            elif (night, table) in is_stale:
                found[night, table] = STALE
            else:
                found[night, table] = SAME if inputs <= {SAME} else MAY_CHANGE
    return found


def seconds_a_night(home: Path, wanted: Sequence[str]) -> list[float]:
    """How long each whole night took that `make nightly` or `make backfill` has run; of nights run together, its share.

    For some of the tables, what their tasks took of each night, one after another: each is named as its table.
    """
    if set(wanted) == set(tables_of_a_night()):
        return [json.loads(path.read_text())["seconds"] for path in sorted((home / "run" / "elapsed").glob("*.json"))]
    names = {table.rpartition(".")[2] for table in wanted}
    nights = [json.loads(path.read_text()) for path in sorted((home / "run" / "durations").glob("*.json"))]
    return [sum(took for task, took in night.items() if task.rpartition(".")[2] in names) for night in nights]


def plan(settings: Settings, nights: Sequence[dt.date], wanted: Sequence[str], stale: Sequence[Stale]) -> Iterator[str]:
    """The lines to print; see `planned`."""
    yield from table_text(nights, wanted, planned(settings, nights, wanted, stale))
    yield ""
    yield f"  {NEW}: not there yet; {STALE}: would change; {MAY_CHANGE}: an input may change; {SAME}: made again, alike"
    for found in stale:
        if found.night in nights and found.table in wanted:
            yield f"  {found.night} {found.table}: {'; '.join(found.reasons)}"
    yield ""
    if measured := seconds_a_night(settings.home, wanted):
        a_night = statistics.median(measured)
        expected = dt.timedelta(seconds=round(a_night * len(nights)))
        yield f"  {len(nights)} nights, about {expected}: {a_night:.0f} s each, as the median of {len(measured)} before"
    else:
        yield f"  {len(nights)} nights; how long one takes is not known, since none was run here before"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the plan for the nights from `--first` to `--date`, or for those of them that are stale."""
    with run_job(argv, __doc__, _arguments) as context:
        stale = stale_days(context.settings, context.date)
        if context.args.first is None:
            nights = sorted({found.night for found in stale})
        else:
            nights = days_between(context.args.first, context.date, context.settings.timezone)
        lines = plan(context.settings, nights, context.args.tables, stale) if nights else ["no night is stale"]
        print("\n".join(lines))


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--first", type=day, help="the first night; the stale nights unless given")
    parser.add_argument("--tables", nargs="+", default=tables_of_a_night(), help="the tables to be made")


if __name__ == "__main__":
    main()
