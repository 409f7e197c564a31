"""silver.quarantine: the night's log and snapshot rows that break a rule of their contract, with all reasons."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.ingest.behavior_rows import parsed_rows_without_event
from jobs.ingest.feeds import BEHAVIOR_LOGS, RECONCILED
from jobs.ingest.snapshot import snapshot
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from schemas.contract import load_contract

_TABLE = "silver.quarantine"


def transform(rows: DataFrame, source: str) -> DataFrame:
    """Return the rows that have reasons.

    Args:
        rows: parsed rows of a feed.
        source: the table that the rows were meant for.
    """
    broken = rows.where(F.size("reasons") > 0).withColumns(
        {"source": F.lit(source), "header": F.lit(None).cast("string")}
    )
    if "user_id" not in broken.columns:
        broken = broken.withColumn("user_id", F.lit(None).cast("string"))
    return broken.select(*(c.name for c in load_contract(_TABLE).columns))


def quarantined_rows(context: JobContext) -> DataFrame:
    """Return all rows of the night that break a rule.

    Raises:
        MissingInput: the night's log or events have not been ingested, or a snapshot has not landed.
    """
    feeds = {
        feed: parsed_rows_without_event(context) if feed == BEHAVIOR_LOGS else snapshot(context, feed)
        for feed in RECONCILED
    }
    return reduce(DataFrame.unionByName, (transform(rows, RECONCILED[feed].table) for feed, rows in feeds.items()))


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's quarantined rows."""
    with run_job(argv, __doc__, writes=_TABLE) as context:
        context.lake.write(quarantined_rows(context))


if __name__ == "__main__":
    main()
