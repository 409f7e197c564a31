"""bronze.behavior_log: the night's behaviour log as it came, a row a line, with the user id replaced by its pseudonym.

Real ids never enter the lake. The pseudonym goes where the id stood; an id that is no whole number is replaced by `invalid`,
since it may still tell who the user is: such a line is quarantined and can only be mended in the landing. Lines of erased
users are none.
"""

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.ingest import landing
from jobs.ingest.erased_lines import ERASED
from jobs.platform import pseudonym
from jobs.platform.job import job


def transform(lines: DataFrame, key: bytes, arrival_date: dt.date) -> DataFrame:
    """Pseudonymise the lines of a night's files.

    Args:
        lines: `raw` (a line of the log), `log_file`, `log_line`, `header` of the file.
        key: the lake's pseudonym key.
        arrival_date: the day of the landing.
    """
    user_id = F.substring_index("raw", ",", 1)
    whole = user_id.rlike("^(0|[1-9][0-9]{0,18})$")
    replaced = F.when(whole, pseudonym.pseudonym_column(user_id, key)).otherwise("invalid")
    rest = F.expr("substr(raw, length(substring_index(raw, ',', 1)) + 1)")
    usual = ",".join(landing.COLUMNS[landing.BEHAVIOR_LOGS])
    return lines.where(F.col("raw") != ERASED).select(
        "log_file",
        "log_line",
        F.concat(replaced, rest).alias("raw"),
        F.nullif("header", F.lit(usual)).alias("header"),
        F.lit(arrival_date).alias("arrival_date"),
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's bronze rows from its landing."""
    with job(argv, __doc__, writes="bronze.behavior_log") as night:
        feed = landing.BEHAVIOR_LOGS
        night.landed[feed] = landing.digest(night.settings.landing, feed, night.date)
        counted = landing.data_lines(night.settings.landing, feed, night.date)
        folder = landing.folder(night.settings.landing, feed, night.date)
        files = [str(folder / name) for name in counted]
        read = night.spark.read.option("lineSep", "\n").text(files)
        name = F.substring_index("_metadata.file_path", f"{night.settings.landing.name}/", -1)
        within = Window.partitionBy("log_file").orderBy("place")
        lines = (
            # One gzip file is read by one task in order, so the ids, though not consecutive, rise along its lines.
            read.select(
                F.make_valid_utf8(F.regexp_replace("value", "\r$", "")).alias("raw"),
                name.alias("log_file"),
                F.monotonically_increasing_id().alias("place"),
            )
            .withColumn("log_line", F.row_number().over(within).cast("bigint"))
            .withColumn("header", F.first("raw").over(within))
            .where("log_line > 1")
        )
        night.write(transform(lines, pseudonym.key(night.settings), night.date))


if __name__ == "__main__":
    main()
