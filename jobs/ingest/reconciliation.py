"""ops.reconciliation: checks that every row of a landing is in its table, a duplicate, in quarantine or erased, exactly once.

Lines are counted when the files land and duplicates by key, independently of the table that is checked. If the row counts of a
feed do not add up, or differ too much from the nights before, the night fails here, before anything reads its rows. Operators can
accept unusual counts (`make accept`), but not counts that do not add up.
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

from jobs.ingest.behavior_events import earlier_events
from jobs.ingest.behavior_rows import EVENTS, KEY, LINE, parsed_rows_without_event
from jobs.ingest.feeds import BEHAVIOR_LOGS, OPTIONAL, RECONCILED
from jobs.ingest.landed import landed_files_of
from jobs.ingest.snapshot import snapshot
from jobs.platform import decisions
from jobs.platform.errors import BadInput
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.platform.spark_errors import convert_spark_errors
from schemas.contract import load_contract

_TABLE = "ops.reconciliation"
_QUARANTINE = "silver.quarantine"
_MOST_QUARANTINED = 0.05
_MOST_CHANGED = 5.0
_NIGHTS_BEFORE = 7
_REASONS_SHOWN = 3


@dataclass(frozen=True)
class RowCounts:
    """The row counts of one feed of a night."""

    feed: str
    lines_in: int
    rows_out: int
    duplicates: int
    quarantined: int
    erased: int

    def mismatch(self) -> str | None:
        """Return a message if the counts do not add up."""
        accounted = self.rows_out + self.duplicates + self.quarantined + self.erased
        if self.lines_in == accounted:
            return None
        return (
            f"the row counts of {self.feed} do not add up: {self.lines_in} lines in, but {self.rows_out} rows + "
            f"{self.duplicates} duplicates + {self.quarantined} quarantined + {self.erased} erased = {accounted}; "
            "rerun the night's ingest from its landing"
        )

    def anomaly(self, lines_before: Sequence[int]) -> str | None:
        """Return a message if the counts are so unusual that the operator has to check the night.

        Args:
            lines_before: number of lines of the feed in each of the last nights.
        """
        # A single unusable row does not stop a night, even if the night has few rows.
        if self.quarantined > max(1, _MOST_QUARANTINED * self.lines_in) or self.lines_in == self.quarantined > 0:
            return f"{self.quarantined} of {self.lines_in} lines of {self.feed} are in quarantine, over 5 %"
        usual = sum(lines_before) / len(lines_before) if lines_before else self.lines_in
        if not usual / _MOST_CHANGED <= self.lines_in <= usual * _MOST_CHANGED:
            return f"{self.lines_in} lines of {self.feed}, but the nights before had {usual:.0f} on average"
        return None


def count_rows(context: JobContext) -> list[RowCounts]:
    """Count the lines, rows, duplicates, quarantined and erased rows of each feed, each from its own source."""
    landed = {feed: landed_files_of(context, feed).values() for feed in RECONCILED}
    quarantined = _quarantined(context)
    all_counts = [
        RowCounts(
            feed=feed,
            lines_in=sum(file.records for file in landed[feed]),
            rows_out=_rows(context, RECONCILED[feed].table),
            duplicates=0,
            quarantined=quarantined[RECONCILED[feed].table],
            erased=sum(file.erased for file in landed[feed]),
        )
        for feed in RECONCILED
    ]
    # Counting duplicates parses the whole feed again, so it is skipped for a snapshot whose counts add up without duplicates.
    uncounted = [counts.feed for counts in all_counts if counts.feed == BEHAVIOR_LOGS or counts.mismatch()]
    duplicates = _collect(
        [_duplicate_events(context) if feed == BEHAVIOR_LOGS else _duplicate_rows(context, feed) for feed in uncounted]
    )
    return [replace(counts, duplicates=duplicates[counts.feed, "duplicates"]) for counts in all_counts]


def _collect(counts: list[DataFrame]) -> Counter[tuple[str, str]]:
    """Return the numbers by feed and name. One query for all, because planning dominates the time of each."""
    with convert_spark_errors(_TABLE):
        return Counter({(row.feed, row.name): row.number for row in reduce(DataFrame.unionAll, counts).collect()})


def _sum(rows: DataFrame, feed: str, sums: Mapping[str, Column]) -> DataFrame:
    """Return one row for each sum: `feed`, `name`, `number`."""
    totals = rows.agg(*(column.cast("bigint").alias(name) for name, column in sums.items()))
    pairs = ", ".join(f"'{name}', {name}" for name in sums)
    return totals.selectExpr(f"'{feed}' AS feed", f"stack({len(sums)}, {pairs}) AS (name, number)")


def _duplicate_rows(context: JobContext, feed: str) -> DataFrame:
    return _sum(snapshot(context, feed), feed, {"duplicates": F.count_if("is_duplicate")})


def _duplicate_events(context: JobContext) -> DataFrame:
    """Count the valid rows of the log that share their key with another one.

    A row that is neither an event nor in quarantine counts only if its key says so: a row that was lost is no duplicate.
    """
    quarantined = context.lake.read_day(_QUARANTINE, required=False).where(F.col("source") == EVENTS)
    others = parsed_rows_without_event(context).join(quarantined.select(*LINE), [*LINE], "left_anti")
    columns = [*dict.fromkeys((*KEY, "event_date"))]
    valid = context.lake.read_day(EVENTS).select(*columns).unionByName(others.select(*columns))
    earlier = earlier_events(context, valid).select(*KEY, F.lit(1).alias("earlier"))
    keys = valid.groupBy(*KEY).agg(F.count("*").alias("rows")).join(earlier, [*KEY], "left")
    duplicates = F.col("rows") - 1 + F.coalesce("earlier", F.lit(0))
    return _sum(keys, BEHAVIOR_LOGS, {"duplicates": F.coalesce(F.sum(duplicates), F.lit(0))})


def _rows(context: JobContext, table: str) -> int:
    """Return the number of the night's rows in a table, from the footers of its files."""
    return (
        int(context.lake.arrow(table).count_rows(filter=_is_night(context, table))) if context.lake.exists(table) else 0
    )


def _quarantined(context: JobContext) -> Counter[str]:
    """Return the number of the night's rows in quarantine, by the table that they were meant for."""
    if not context.lake.exists(_QUARANTINE):
        return Counter()
    rows = context.lake.arrow(_QUARANTINE).to_table(columns=["source"], filter=_is_night(context, _QUARANTINE))
    return Counter(rows["source"].to_pylist())


def _is_night(context: JobContext, table: str) -> ds.Expression:
    return ds.field(load_contract(table).day_column) == context.date


def check(context: JobContext, counts: RowCounts) -> str | None:
    """Check that the counts add up and are not unusual. The operator can accept unusual counts.

    Returns:
        The decision that was applied, if any.

    Raises:
        BadInput: the night must not be used. The message says why and what to do.
    """
    if problem := counts.mismatch():
        raise BadInput(problem)
    is_optional = counts.feed in OPTIONAL  # then any number of lines is usual, also none
    anomaly = counts.anomaly([] if is_optional else _lines_before(context, RECONCILED[counts.feed].table))
    missing_kind = decisions.EMPTY if counts.feed == BEHAVIOR_LOGS else decisions.SNAPSHOT
    missing_accepted = None if is_optional else decisions.find_decision(context, missing_kind, counts.feed)
    if anomaly is None or (missing_accepted and counts.lines_in == 0):
        return str(missing_accepted) if missing_accepted else None
    volume_accepted = decisions.find_decision(context, decisions.VOLUME, counts.feed)
    if volume_accepted is None:
        why = _most_frequent_reasons(context, RECONCILED[counts.feed].table) if counts.quarantined else ""
        remedy = decisions.hint(context.date, decisions.VOLUME, counts.feed)
        raise BadInput(f"{anomaly}{why}; check {_QUARANTINE} and the landing; if the night is right: {remedy}")
    return str(volume_accepted)


def _lines_before(context: JobContext, table: str) -> list[int]:
    """Return the number of lines of the last nights, the newest first, without nights that needed a decision."""
    if not context.lake.exists(_TABLE):
        return []
    earlier = context.lake.arrow(_TABLE).to_table(
        filter=(ds.field("source") == table) & (ds.field("arrival_date") < context.date)
    )
    newest_first = earlier.sort_by([("arrival_date", "descending")]).to_pylist()
    return [row["lines_in"] for row in newest_first if not row.get("decision")][:_NIGHTS_BEFORE]


def _most_frequent_reasons(context: JobContext, table: str) -> str:
    rows = context.lake.read_day(_QUARANTINE, required=False).where(F.col("source") == table)
    reasons = rows.select(F.explode("reasons").alias("reason"), "log_line")
    most_frequent = (
        reasons.groupBy(F.substring_index("reason", ":", 1).alias("name"))
        .agg(F.count("*").alias("rows"), F.min_by("reason", "log_line").alias("example"))
        .orderBy(F.desc("rows"), "name")
        .limit(_REASONS_SHOWN)
        .collect()
    )
    return "".join(f"{': ' if n == 0 else ', '}{row.rows} × {row.example}" for n, row in enumerate(most_frequent))


def _row(counts: RowCounts, decision: str | None, context: JobContext) -> dict[str, Any]:
    columns = {name: value for name, value in asdict(counts).items() if name != "feed"}
    return {"source": RECONCILED[counts.feed].table, **columns, "decision": decision, "arrival_date": context.date}


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's row counts. Fail if they do not add up or are unusual."""
    with run_job(argv, __doc__, writes=_TABLE) as context:
        rows = [_row(counts, check(context, counts), context) for counts in count_rows(context)]
        context.lake.write(pa.Table.from_pylist(rows))


if __name__ == "__main__":
    main()
