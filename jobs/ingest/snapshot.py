"""A snapshot (users, videos, campaigns): the state of the day's end, typed, and a row a key.

Of rows with the same key and values one stays, the others are duplicates. Of rows with the same key and other values the first
in the order of their text stays, so that the order of the rows does not matter, and the others are kept aside.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.ingest.feeds import NIGHTLY, Feed
from jobs.ingest.landed import landed
from jobs.ingest.parse import parse
from jobs.platform.fingerprints import TIMEZONE, fingerprint
from jobs.platform.job_context import JobContext
from schemas.contract import load_contract


def snapshot(context: JobContext, feed: str) -> DataFrame:
    """The night's rows of a feed as `sorted_out` gives them, under the rules of now, which the night's commit then names.

    Raises:
        MissingInput, BadInput: see `landed`.
    """
    found = NIGHTLY[feed]
    context.lake.fingerprints |= {name: fingerprint(context.settings, name) for name in (found.table, TIMEZONE)}
    return sorted_out(parse(landed(context, feed), found, context.settings), found)


def sorted_out(parsed: DataFrame, feed: Feed) -> DataFrame:
    """Parsed rows with `is_duplicate`, and with one more reason where another row of the same key has other values."""
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


def kept(rows: DataFrame, table: str) -> DataFrame:
    """The rows that the table gets."""
    wanted = rows.where((F.size("reasons") == 0) & ~F.col("is_duplicate"))
    return wanted.select(*(column.name for column in load_contract(table).columns))
