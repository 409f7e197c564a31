"""silver.videos: the catalogue as of the night, from the day's snapshot."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.ingest import landing
from jobs.ingest.snapshot import read_snapshot, typed
from jobs.platform.job import job

_TABLE = "silver.videos"


def transform(rows: DataFrame) -> DataFrame:
    """Type the snapshot's rows (all strings): tags become an array, `visible` says whether the status is 0."""
    title = F.col("title") if "title" in rows.columns else F.lit(None)
    return typed(
        rows.withColumns(
            {
                "tags": F.coalesce(F.split("tag", ","), F.array().cast("array<string>")),
                "visible": F.coalesce(F.col("visible_status").cast("double") == 0, F.lit(False)),
                "title": title,
            }
        ),
        _TABLE,
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's catalogue."""
    with job(argv, __doc__, writes=_TABLE) as night:
        night.write(transform(read_snapshot(night, landing.VIDEOS)))


if __name__ == "__main__":
    main()
