"""ops.reconciliation: proves that every row of a landing is in its table, a duplicate, in quarantine or erased, and none twice.

Each feed of the night has its books. Rows are counted in the files themselves, duplicates by the rows' keys: neither from the
table that they are to prove. A night whose books do not balance, or that looks nothing like the nights before it, ends here,
before anything reads its rows. A person can say that an odd night is right (`make accept`), but not that books balance.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.ingest.behavior_events import arrived_before
from jobs.ingest.behavior_rows import KEY, parsed
from jobs.ingest.feeds import BEHAVIOR_LOGS, NIGHTLY
from jobs.ingest.landed import counted
from jobs.ingest.parse import valid
from jobs.ingest.snapshot import snapshot
from jobs.platform import decisions
from jobs.platform.errors import BadInput
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.platform.spark_errors import convert_spark_errors
from schemas.contract import load_contract

_BOOKS = "ops.reconciliation"
_QUARANTINE = "silver.quarantine"
_MOST_QUARANTINED = 0.05
_MOST_CHANGED = 5.0
_NIGHTS_BEFORE = 7
_REASONS_SHOWN = 3


@dataclass(frozen=True)
class Books:
    """Rows counted for one feed of a night."""

    feed: str
    lines_in: int
    rows_out: int
    duplicates: int
    quarantined: int
    erased: int

    def imbalance(self) -> str | None:
        """What does not balance."""
        accounted = self.rows_out + self.duplicates + self.quarantined + self.erased
        if self.lines_in == accounted:
            return None
        return (
            f"the books of {self.feed} do not balance: {self.lines_in} lines came in, but {self.rows_out} rows + "
            f"{self.duplicates} duplicates + {self.quarantined} quarantined + {self.erased} erased = {accounted}; run the "
            "night's ingest again from its landing"
        )

    def oddity(self, lines_before: Sequence[int]) -> str | None:
        """What makes the night one that a person should look at.

        Args:
            lines_before: lines of the feed in the last nights.
        """
        # One row that cannot be used stops no night, however few there are.
        if self.quarantined > max(1, _MOST_QUARANTINED * self.lines_in) or self.lines_in == self.quarantined > 0:
            return f"{self.quarantined} of {self.lines_in} lines of {self.feed} are in quarantine, over 5 %"
        usual = sum(lines_before) / len(lines_before) if lines_before else self.lines_in
        if not usual / _MOST_CHANGED <= self.lines_in <= usual * _MOST_CHANGED:
            return f"{self.lines_in} lines of {self.feed}, but the nights before had {usual:.0f} on average"
        return None


def count(context: JobContext) -> list[Books]:
    """Count the lines, rows, duplicates, quarantined and erased rows of each feed, each from its own source."""
    lines = _collected([_lines(context, feed) for feed in NIGHTLY])
    quarantined = _quarantined(context)
    books = [
        Books(
            feed=feed,
            lines_in=lines[feed, "lines_in"],
            rows_out=_rows(context, NIGHTLY[feed].table),
            duplicates=0,
            quarantined=quarantined[NIGHTLY[feed].table],
            erased=lines[feed, "erased"],
        )
        for feed in NIGHTLY
    ]
    # Counting duplicates parses the whole feed again. A snapshot that balances without any is not counted.
    uncounted = [found.feed for found in books if found.feed == BEHAVIOR_LOGS or found.imbalance()]
    duplicates = _collected(
        [_duplicate_events(context) if feed == BEHAVIOR_LOGS else _duplicate_rows(context, feed) for feed in uncounted]
    )
    return [replace(found, duplicates=duplicates[found.feed, "duplicates"]) for found in books]


def _collected(counts: list[DataFrame]) -> Counter[tuple[str, str]]:
    """Numbers by feed and name; all in one job, since each alone would take most of its time to be planned."""
    with convert_spark_errors(_BOOKS):
        return Counter({(row.feed, row.name): row.number for row in reduce(DataFrame.unionAll, counts).collect()})


def _lines(context: JobContext, feed: str) -> DataFrame:
    return _summed(counted(context, feed), feed, {"lines_in": F.sum("records"), "erased": F.sum("erased")})


def _summed(rows: DataFrame, feed: str, sums: Mapping[str, Column]) -> DataFrame:
    """One row for each sum: `feed`, `name`, `number`."""
    found = rows.agg(*(column.cast("bigint").alias(name) for name, column in sums.items()))
    pairs = ", ".join(f"'{name}', {name}" for name in sums)
    return found.selectExpr(f"'{feed}' AS feed", f"stack({len(sums)}, {pairs}) AS (name, number)")


def _duplicate_rows(context: JobContext, feed: str) -> DataFrame:
    return _summed(snapshot(context, feed), feed, {"duplicates": F.count_if("is_duplicate")})


def _duplicate_events(context: JobContext) -> DataFrame:
    rows = parsed(context)
    earlier = arrived_before(context, rows).select(*KEY, F.lit(1).alias("earlier"))
    keys = valid(rows).groupBy(*KEY).agg(F.count("*").alias("rows")).join(earlier, [*KEY], "left")
    again = F.col("rows") - 1 + F.coalesce("earlier", F.lit(0))
    return _summed(keys, BEHAVIOR_LOGS, {"duplicates": F.coalesce(F.sum(again), F.lit(0))})


def _rows(context: JobContext, table: str) -> int:
    """Rows that a table has of the night, by the footers of its files."""
    return int(context.lake.arrow(table).count_rows(filter=_is_of(context, table))) if context.lake.exists(table) else 0


def _quarantined(context: JobContext) -> Counter[str]:
    """Rows of the night in quarantine, by the table that they would have gone to."""
    if not context.lake.exists(_QUARANTINE):
        return Counter()
    rows = context.lake.arrow(_QUARANTINE).to_table(columns=["source"], filter=_is_of(context, _QUARANTINE))
    return Counter(rows["source"].to_pylist())


def _is_of(context: JobContext, table: str) -> ds.Expression:
    return ds.field(load_contract(table).day_column) == context.date


def settle(context: JobContext, books: Books) -> str | None:
    """Refuse books that do not balance and, unless somebody has decided that they are right, those of an odd night.

    Returns:
        The decision that the night goes by, if it needs one.

    Raises:
        BadInput: the night is not to be used; says why and what to do.
    """
    if problem := books.imbalance():
        raise BadInput(problem)
    oddity = books.oddity(_lines_before(context, NIGHTLY[books.feed].table))
    instead = decisions.EMPTY if books.feed == BEHAVIOR_LOGS else decisions.SNAPSHOT
    said = decisions.find_decision(context, instead, books.feed)
    if oddity is None or (said and books.lines_in == 0):
        return str(said) if said else None
    if (made := decisions.find_decision(context, decisions.VOLUME, books.feed)) is None:
        why = _most_frequent_reasons(context, NIGHTLY[books.feed].table) if books.quarantined else ""
        remedy = decisions.hint(context.date, decisions.VOLUME, books.feed)
        raise BadInput(f"{oddity}{why}; look at {_QUARANTINE} and the landing; if the night is right: {remedy}")
    return str(made)


def _lines_before(context: JobContext, table: str) -> list[int]:
    """Lines of the last nights, the newest first; a night that a person had to judge says nothing about what is usual."""
    if not context.lake.exists(_BOOKS):
        return []
    earlier = context.lake.arrow(_BOOKS).to_table(
        filter=(ds.field("source") == table) & (ds.field("arrival_date") < context.date)
    )
    newest_first = earlier.sort_by([("arrival_date", "descending")]).to_pylist()
    return [row["lines_in"] for row in newest_first if not row.get("decision")][:_NIGHTS_BEFORE]


def _most_frequent_reasons(context: JobContext, table: str) -> str:
    rows = context.lake.read_day(_QUARANTINE, required=False).where(F.col("source") == table)
    reasons = rows.select(F.explode("reasons").alias("reason"), "log_line")
    counted = (
        reasons.groupBy(F.substring_index("reason", ":", 1).alias("name"))
        .agg(F.count("*").alias("rows"), F.min_by("reason", "log_line").alias("example"))
        .orderBy(F.desc("rows"), "name")
        .limit(_REASONS_SHOWN)
        .collect()
    )
    return "".join(f"{': ' if n == 0 else ', '}{row.rows} × {row.example}" for n, row in enumerate(counted))


def _row(books: Books, decision: str | None, context: JobContext) -> dict[str, Any]:
    counts = {name: value for name, value in asdict(books).items() if name != "feed"}
    return {"source": NIGHTLY[books.feed].table, **counts, "decision": decision, "arrival_date": context.date}


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's books, or fail where they do not hold."""
    with run_job(argv, __doc__, writes=_BOOKS) as context:
        rows = [_row(books, settle(context, books), context) for books in count(context)]
        context.lake.write(pa.Table.from_pylist(rows))


if __name__ == "__main__":
    main()
