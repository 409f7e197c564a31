"""Typed rows of a snapshot (users, videos, campaigns: the state at the end of the day) or of video prompts, one row per key.

Of rows with the same key and values, one is kept and the others are duplicates. Of rows with the same key and different values,
the first by its text is kept, so that the order of the rows does not matter, and the others go to quarantine.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.ingest.feeds import RECONCILED, Feed
from jobs.ingest.landed import landed_rows
from jobs.ingest.parse import parse
from jobs.platform.fingerprints import TIMEZONE, fingerprint
from jobs.platform.job_context import JobContext
from schemas.contract import load_contract


def snapshot(context: JobContext, name: str) -> DataFrame:
    """Return the night's rows of a feed, see `mark_duplicates`. The job's commit records the current rules.

    Raises:
        MissingInput, BadInput: see `landed_rows`.
    """
    feed = RECONCILED[name]
    context.lake.fingerprints |= {rule: fingerprint(context.settings, rule) for rule in (feed.table, TIMEZONE)}
    return mark_duplicates(parse(landed_rows(context, name), feed, context.settings), feed)


def mark_duplicates(parsed: DataFrame, feed: Feed) -> DataFrame:
    """Add `is_duplicate` to parsed rows, and a reason if the kept row with the same key has different values."""
    contract = load_contract(feed.table)
    same_key = Window.partitionBy(*contract.key, F.size("reasons") == 0)
    in_order = same_key.orderBy("raw", "log_file", "log_line")
    values = F.struct(*(column.name for column in contract.columns))
    place = F.concat(
        F.lit("line "), F.first("log_line").over(in_order), F.lit(" of "), F.first("log_file").over(in_order)
    )
    key = ", ".join(name for name in contract.key if name != contract.day_column)
    ranked = parsed.withColumns(
        {
            "_is_first": F.row_number().over(in_order) == 1,
            "_is_same": F.first(values).over(in_order).eqNullSafe(values),
            "_conflict": F.concat(F.lit(f"other_values: {key} stands with other values in "), place),
        }
    )
    is_valid = F.size("reasons") == 0
    conflict = is_valid & ~F.col("_is_first") & ~F.col("_is_same")
    return ranked.withColumns(
        {
            "is_duplicate": is_valid & ~F.col("_is_first") & F.col("_is_same"),
            "reasons": F.when(conflict, F.array("_conflict")).otherwise(F.col("reasons")),
        }
    ).drop("_is_first", "_is_same", "_conflict")


def table_rows(rows: DataFrame, table: str) -> DataFrame:
    """Return the rows that are written to the table: valid, and no duplicates."""
    kept = rows.where((F.size("reasons") == 0) & ~F.col("is_duplicate"))
    return kept.select(*(column.name for column in load_contract(table).columns))
