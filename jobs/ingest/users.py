"""silver.users: the users as of the night, from the day's snapshot, under pseudonyms."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.ingest import landing
from jobs.ingest.snapshot import read_snapshot, typed
from jobs.platform.job import job
from jobs.platform.pseudonym import key, pseudonym_column

_TABLE = "silver.users"


def transform(rows: DataFrame, key: bytes) -> DataFrame:
    """Type the snapshot's rows (all strings) and put the pseudonym in place of the user id."""
    return typed(rows.withColumn("user_id", pseudonym_column(F.col("user_id"), key)), _TABLE)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's users."""
    with job(argv, __doc__, writes=_TABLE) as night:
        users = transform(read_snapshot(night, landing.USERS), key(night.settings))
        night.write(users)


if __name__ == "__main__":
    main()
