"""Reads a snapshot (users, videos, campaigns) from a night's landing: CSV files whose columns a contract types."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.ingest import landing
from jobs.platform.night import Night
from schemas.contract import Column as ContractColumn
from schemas.contract import contract


def read_snapshot(night: Night, feed: str) -> DataFrame:
    """All columns of a feed's files as the strings that they hold, null where empty, with `arrival_date`.

    Raises:
        MissingInput, BadInput: the landing is not complete or not sound.
    """
    night.landed[feed] = landing.digest(night.settings.landing, feed, night.date)
    counted = landing.data_lines(night.settings.landing, feed, night.date)
    files = [str(landing.folder(night.settings.landing, feed, night.date) / name) for name in counted]
    rows = night.spark.read.option("header", True).option("escape", '"').csv(files)
    return rows.withColumn("arrival_date", F.lit(night.date))


def typed(rows: DataFrame, table: str) -> DataFrame:
    """The rows under the types of the table's contract; columns that `rows` has under other names must be made before.

    A whole number may be written with a fraction of zero (`9.0`), as pandas writes integers with gaps. A text that is not of
    its type fails the write, see `lakehouse.replace_day`.
    """
    return rows.select(*(_typed(column).alias(column.name) for column in contract(table).columns))


def _typed(column: ContractColumn) -> Column:
    given = F.col(f"`{column.name}`")
    if column.type in ("int", "bigint"):
        return F.regexp_replace(given.cast("string"), r"\.0+$", "").cast(column.type)
    return given.cast(column.type)
