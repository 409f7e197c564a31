"""silver.behavior_events: the night's valid rows, one per user, video and time.

Of rows with the same user, video and time, the one that arrived first is kept. Of those that arrived in the same night, the one
with the longest play time is kept, then the first by its text, so that the order of the lines does not matter.
"""

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from jobs.ingest.behavior_rows import EVENTS, KEY, parsed_rows
from jobs.ingest.parse import valid_rows
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from schemas.contract import load_contract


def transform(events: DataFrame, earlier: DataFrame) -> DataFrame:
    """Return the events without duplicates.

    Args:
        events: the night's valid rows as returned by `parse`.
        earlier: rows of silver.behavior_events that arrived before the night.
    """
    first = events.withColumn("_rank", F.row_number().over(best_first())).where("_rank = 1")
    return first.join(earlier.select(*KEY), [*KEY], "left_anti").select(
        *(c.name for c in load_contract(EVENTS).columns)
    )


def best_first() -> WindowSpec:
    """Return a window over the rows of the same user, video and time. Its first row is the one to keep."""
    return Window.partitionBy(*KEY).orderBy(F.desc("play_time_ms"), "raw", "log_file", "log_line")


def earlier_events(context: JobContext, rows: DataFrame) -> DataFrame:
    """Return the events that arrived before the night, for the days of the night's rows: no other day can contain a duplicate.

    Args:
        context: of the job.
        rows: of the night's log, as returned by `parse`. Only their `event_date` is computed.
    """
    if not context.lake.exists(EVENTS):
        return rows.limit(0)
    earliest, latest = (context.date - dt.timedelta(days=ago) for ago in (context.settings.late_days, 1))
    days = rows.select("event_date").where(F.col("event_date").between(earliest, latest)).distinct().collect()
    is_in_days = F.col("event_date").isin([row.event_date for row in days])
    return context.lake.read(EVENTS).where(is_in_days & (F.col("arrival_date") < F.lit(context.date)))


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's events."""
    with run_job(argv, __doc__, writes=EVENTS) as context:
        rows = parsed_rows(context)
        context.lake.write(transform(valid_rows(rows), earlier_events(context, rows)))


if __name__ == "__main__":
    main()
