"""ops.backfills: what the last backfill of each night did to each table; called when it is over, however it ended.

The content of the night as it was published before the backfill began is compared with that which it has published since.
"""

import argparse
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from jobs.backfill.table_text import table_text
from jobs.platform.command import day
from jobs.platform.job import run_job
from jobs.platform.lake import Publication, publications, tables
from jobs.platform.settings import Settings
from schemas.contract import load_contract
from schemas.dependencies import tables_of_a_night

TABLE = "ops.backfills"
DONE, UNCHANGED, CHANGED, FAILED = "done", "unchanged", "changed", "failed"


def outcome(before: Publication | None, after: Publication | None) -> str:
    """What happened to a night of a table: done for the first time, unchanged, changed, or failed, as nothing was published."""
    if after is None:
        return FAILED
    if before is None:
        return DONE
    return UNCHANGED if before.content == after.content else CHANGED


def backfilled(
    settings: Settings, nights: Sequence[dt.date], wanted: Sequence[str], began: dt.datetime
) -> dict[dt.date, pa.Table]:
    """The rows of each night.

    Args:
        settings: name the lake.
        nights: that were to be run.
        wanted: the tables that were to be made.
        began: when the backfill began.
    """
    rows: dict[dt.date, list[dict[str, object]]] = {night: [] for night in nights}
    there = tables(settings)
    for table in wanted:
        made = publications(settings.uri(table)) if table in there else []
        for night in nights:
            before = next((p for p in made if p.day == night and p.made_at < began and not p.dropped), None)
            after = next((p for p in made if p.day == night and p.made_at >= began), None)
            rows[night].append(
                {
                    "date": night, "table_name": table, "outcome": outcome(before, after),
                    "began_at": round(began.timestamp() * 1000),
                    "content_before": before and before.content, "content_after": after and after.content,
                    "table_version": after and after.version,
                }
            )  # fmt: skip
    return {
        night: pa.Table.from_pylist(of_night, load_contract(TABLE).arrow_schema()) for night, of_night in rows.items()
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Write the nights of the backfill, and print them as a table."""
    with run_job(argv, __doc__, _arguments) as context:
        nights: list[dt.date] = sorted(context.args.nights)
        wanted = context.args.tables
        found = backfilled(
            context.settings, nights, wanted, dt.datetime.fromtimestamp(context.args.began / 1000, dt.UTC)
        )
        words: dict[tuple[dt.date, str], str] = {}
        for of_night, rows in found.items():
            replace(context, date=of_night, writes=TABLE).lake.write(rows)
            words |= {(of_night, row["table_name"]): row["outcome"] for row in rows.to_pylist()}
        print("\n".join(table_text(nights, wanted, words)))
        counts = {kind: list(words.values()).count(kind) for kind in (DONE, UNCHANGED, CHANGED, FAILED)}
        print(f"\n  {', '.join(f'{count} {kind}' for kind, count in counts.items())}; kept in {TABLE}", flush=True)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--nights", type=day, nargs="+", required=True, help="the nights that were to be run")
    parser.add_argument("--tables", nargs="+", default=tables_of_a_night(), help="the tables that were to be made")
    parser.add_argument("--began", type=int, required=True, help="when, in milliseconds since 1970")


if __name__ == "__main__":
    main()
