"""silver.campaigns: the ad campaigns as of the night, from the day's snapshot.

Campaigns are few and written by people, so a row that cannot be used stops the night instead of going to quarantine.
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame

from jobs.ingest import landing
from jobs.ingest.snapshot import read_snapshot, typed
from jobs.platform.job import job

_TABLE = "silver.campaigns"


def transform(rows: DataFrame) -> DataFrame:
    """Type the snapshot's rows (all strings)."""
    return typed(rows, _TABLE)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's campaigns."""
    with job(argv, __doc__, writes=_TABLE) as night:
        night.write(transform(read_snapshot(night, landing.CAMPAIGNS)))


if __name__ == "__main__":
    main()
