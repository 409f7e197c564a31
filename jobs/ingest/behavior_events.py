"""silver.behavior_events: the night's valid rows, one for each user, video and time.

Of rows with the same user, video and time the one that arrived first stays; of those that arrived together the one that
played longest, then the first in the order of their text, so that the order of the lines does not matter.
"""

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from jobs.ingest.behavior_rows import EVENTS, KEY, parsed
from jobs.ingest.parse import valid
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from schemas.contract import load_contract


def transform(events: DataFrame, earlier: DataFrame) -> DataFrame:
    """Drop duplicates.

    Args:
        events: the night's valid rows as `parse` gives them.
        earlier: rows of silver.behavior_events that arrived before that night.
    """
    first = events.withColumn("_place", F.row_number().over(best_first())).where("_place = 1")
    return first.join(earlier.select(*KEY), [*KEY], "left_anti").select(
        *(c.name for c in load_contract(EVENTS).columns)
    )


def best_first() -> WindowSpec:
    """Rows of the same user, video and time, the one that stays first."""
    return Window.partitionBy(*KEY).orderBy(F.desc("play_time_ms"), "raw", "log_file", "log_line")


def arrived_before(context: JobContext, rows: DataFrame) -> DataFrame:
    """What had arrived before the night of the days that its rows belong to; no other day can hold a duplicate.

    Args:
        context: of the job.
        rows: of its log, as `parse` gives them. Of their days no other column is computed.
    """
    if not context.lake.exists(EVENTS):
        return rows.limit(0)
    earliest, latest = (context.date - dt.timedelta(days=ago) for ago in (context.settings.late_days, 1))
    days = rows.select("event_date").where(F.col("event_date").between(earliest, latest)).distinct().collect()
    of_days = F.col("event_date").isin([row.event_date for row in days])
    return context.lake.read(EVENTS).where(of_days & (F.col("arrival_date") < F.lit(context.date)))


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's events."""
    with run_job(argv, __doc__, writes=EVENTS) as context:
        rows = parsed(context)
        context.lake.write(transform(valid(rows), arrived_before(context, rows)))


if __name__ == "__main__":
    main()
