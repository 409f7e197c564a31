"""silver.watch_history: what users watched before the first night, if the source has such a history.

It lands once, under its last day, as Parquet with one row per user: `user_id`, and `watch_seq`, `like_seq`, `long_watch_seq`
(video ids in time order). If no history has landed, the job does nothing. A history with an unreadable row is refused as a whole,
because it is made only once and can be made again.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.ingest import landing
from jobs.ingest.feeds import WATCH_HISTORY
from jobs.ingest.landed import INVALID, landed_rows
from jobs.platform.errors import BadInput
from jobs.platform.job import run_job
from jobs.platform.spark_errors import convert_spark_errors
from schemas.contract import load_contract

_TABLE = "silver.watch_history"
_SEQUENCES = ("watch_seq", "like_seq", "long_watch_seq")


def transform(rows: DataFrame, day: dt.date) -> DataFrame:
    """Return one row per watch from the rows of the landing, which has one row per user.

    Raises:
        BadInput: a row has no user id or no list of video ids.
    """
    lists = {name: F.from_json(F.col("fields")[name], "array<bigint>") for name in _SEQUENCES}
    users = rows.withColumns(lists)
    is_list = [
        F.col(name).isNotNull() & ~F.exists(name, lambda video: video.isNull() | (video < 0)) for name in _SEQUENCES
    ]
    is_broken = F.col("problem").isNotNull() | (F.col("user_id") == INVALID) | ~(is_list[0] & is_list[1] & is_list[2])
    with convert_spark_errors(_TABLE):
        broken = users.where(F.coalesce(is_broken, F.lit(True))).orderBy("log_file", "log_line").first()
    if broken is not None:
        raise BadInput(
            f"{_TABLE}: row {broken.log_line} of {broken.log_file} has no user id or invalid lists of video ids; correct the "
            "history and land it again"
        )
    watches = users.select("user_id", "like_seq", "long_watch_seq", F.posexplode("watch_seq"))
    return watches.withColumns(
        {
            "video_id": F.col("col"),
            "position": F.col("pos") + 1,
            "is_like": F.array_contains("like_seq", F.col("col")).cast("int"),
            "long_view": F.array_contains("long_watch_seq", F.col("col")).cast("int"),
            "event_date": F.lit(day),
            "arrival_date": F.lit(day),
        }
    ).select(*(column.name for column in load_contract(_TABLE).columns))


def main(argv: Sequence[str] | None = None) -> None:
    """Write every history that has landed by the night and is not in the lake yet."""
    with run_job(argv, __doc__) as context:
        for day in landing.nights(context.settings.landing, WATCH_HISTORY):
            if day <= context.date and not context.lake.has_day(_TABLE, day):
                day_context = replace(context, date=day, writes=_TABLE)
                day_context.lake.write(transform(landed_rows(day_context, WATCH_HISTORY), day))


if __name__ == "__main__":
    main()
