"""silver.watch_history: what users had watched before the first night, where the source has such a history.

It lands once, under the day that it ends on, as Parquet with a row a user: `user_id`, and `watch_seq`, `like_seq`,
`long_watch_seq` (video ids in time order). A night that has no history by then has nothing to do.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.ingest import landing
from jobs.ingest.snapshot import typed
from jobs.platform.job import job
from jobs.platform.pseudonym import key, pseudonym_column

_TABLE = "silver.watch_history"


def transform(sequences: DataFrame, key: bytes, day: dt.date) -> DataFrame:
    """One row a watch, from one row a user."""
    user_id = pseudonym_column(F.col("user_id").cast("string"), key)
    watches = sequences.select(user_id.alias("user_id"), "like_seq", "long_watch_seq", F.posexplode("watch_seq"))
    return typed(
        watches.withColumns(
            {
                "video_id": F.col("col"),
                "position": F.col("pos") + 1,
                "is_like": F.array_contains("like_seq", F.col("col")).cast("int"),
                "long_view": F.array_contains("long_watch_seq", F.col("col")).cast("int"),
                "event_date": F.lit(day),
                "arrival_date": F.lit(day),
            }
        ),
        _TABLE,
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Write every history that has landed by the night and is not in the lake yet."""
    with job(argv, __doc__) as night:
        for day in landing.nights(night.settings.landing, landing.WATCH_HISTORY):
            if day <= night.date and not night.has_day(_TABLE, day):
                sequences = night.spark.read.parquet(
                    str(landing.folder(night.settings.landing, landing.WATCH_HISTORY, day))
                )
                replace(night, date=day, writes=_TABLE).write(transform(sequences, key(night.settings), day))


if __name__ == "__main__":
    main()
