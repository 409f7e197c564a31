"""silver.quarantine: the night's rows that break a rule of their contract, with every reason."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.ingest.parse import EVENTS, parsed
from jobs.platform.job import job
from schemas.contract import contract


def transform(rows: DataFrame) -> DataFrame:
    """The rows that have reasons, of rows as `parse` gives them."""
    broken = rows.where(F.size("reasons") > 0).withColumn("source", F.lit(EVENTS))
    return broken.select(*(c.name for c in contract("silver.quarantine").columns))


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's quarantined rows."""
    with job(argv, __doc__, writes="silver.quarantine") as night:
        night.write(transform(parsed(night)))


if __name__ == "__main__":
    main()
