"""ops.backfills: the outcome of the last backfill of each night for each table. Runs after every backfill, failed or not.

It compares the content that was published before the backfill started with the content published since.
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
    """Return the outcome for a night of a table: done for the first time, unchanged, changed, or failed (nothing published)."""
    if after is None:
        return FAILED
    if before is None:
        return DONE
    return UNCHANGED if before.content == after.content else CHANGED


def backfill_rows(
    settings: Settings, nights: Sequence[dt.date], requested_tables: Sequence[str], began: dt.datetime
) -> dict[dt.date, pa.Table]:
    """Return each night's rows of ops.backfills.

    Args:
        settings: the location of the lake.
        nights: the nights of the backfill.
        requested_tables: the tables of the backfill.
        began: when the backfill started.
    """
    rows: dict[dt.date, list[dict[str, object]]] = {night: [] for night in nights}
    existing_tables = tables(settings)
    for table in requested_tables:
        published = publications(settings.uri(table)) if table in existing_tables else []
        for night in nights:
            before = next((p for p in published if p.day == night and p.made_at < began and not p.dropped), None)
            after = next((p for p in published if p.day == night and p.made_at >= began), None)
            rows[night].append(
                {
                    "date": night, "table_name": table, "outcome": outcome(before, after),
                    "began_at": round(began.timestamp() * 1000),
                    "content_before": before and before.content, "content_after": after and after.content,
                    "table_version": after and after.version,
                }
            )  # fmt: skip
    return {
        night: pa.Table.from_pylist(rows_of_night, load_contract(TABLE).arrow_schema())
        for night, rows_of_night in rows.items()
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Write the outcomes of the backfill, and print them as a table."""
    with run_job(argv, __doc__, _arguments) as context:
        nights: list[dt.date] = sorted(context.args.nights)
        requested_tables = context.args.tables
        began = dt.datetime.fromtimestamp(context.args.began / 1000, dt.UTC)
        outcomes: dict[tuple[dt.date, str], str] = {}
        for night, rows in backfill_rows(context.settings, nights, requested_tables, began).items():
            replace(context, date=night, writes=TABLE).lake.write(rows)
            outcomes |= {(night, row["table_name"]): row["outcome"] for row in rows.to_pylist()}
        print("\n".join(table_text(nights, requested_tables, outcomes)))
        counts = {kind: list(outcomes.values()).count(kind) for kind in (DONE, UNCHANGED, CHANGED, FAILED)}
        print(f"\n  {', '.join(f'{count} {kind}' for kind, count in counts.items())}; stored in {TABLE}", flush=True)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--nights", type=day, nargs="+", required=True, help="the nights of the backfill")
    parser.add_argument("--tables", nargs="+", default=tables_of_a_night(), help="the tables of the backfill")
    parser.add_argument("--began", type=int, required=True, help="start of the backfill, in milliseconds since 1970")


if __name__ == "__main__":
    main()
