"""silver.quarantine: the night's rows, of the log and of snapshots, that break a rule of their contract, with every reason."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.ingest.behavior_rows import parsed
from jobs.ingest.feeds import BEHAVIOR_LOGS, NIGHTLY
from jobs.ingest.snapshot import snapshot
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from schemas.contract import load_contract

_TABLE = "silver.quarantine"


def transform(rows: DataFrame, source: str) -> DataFrame:
    """The rows that have reasons, of rows that would have gone to the table `source`."""
    broken = rows.where(F.size("reasons") > 0).withColumns(
        {"source": F.lit(source), "header": F.lit(None).cast("string")}
    )
    if "user_id" not in broken.columns:
        broken = broken.withColumn("user_id", F.lit(None).cast("string"))
    return broken.select(*(c.name for c in load_contract(_TABLE).columns))


def quarantined(context: JobContext) -> DataFrame:
    """All rows of a night that are kept aside.

    Raises:
        MissingInput: the night's log has not been ingested, or a snapshot has not landed.
    """
    rows = {feed: parsed(context) if feed == BEHAVIOR_LOGS else snapshot(context, feed) for feed in NIGHTLY}
    return reduce(DataFrame.unionByName, (transform(found, NIGHTLY[feed].table) for feed, found in rows.items()))


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's quarantined rows."""
    with run_job(argv, __doc__, writes=_TABLE) as context:
        context.lake.write(quarantined(context))


if __name__ == "__main__":
    main()
