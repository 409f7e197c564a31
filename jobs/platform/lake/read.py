"""Tables as they were at a version: days, files, and rows as Spark or Arrow reads them."""

import datetime as dt
from typing import TYPE_CHECKING

import pyarrow.dataset
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyarrow.fs import SubTreeFileSystem

from jobs.platform.errors import NightreelError
from jobs.platform.lake import log_backup
from jobs.platform.lake.commit import is_published
from jobs.platform.lake.files import DataFile, files_of, filesystem
from jobs.platform.settings import Settings
from schemas.contract import Contract
from schemas.contract import tables as contracted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class Gone(NightreelError):
    """A version of a table can no longer be read."""


def tables(settings: Settings) -> dict[str, int]:
    """The tables that the lake has, with their current versions, in alphabetical order."""
    versions = {table: version(settings.uri(table)) for table in contracted()}
    return {table: at_version for table, at_version in versions.items() if at_version is not None}


def version(uri: str) -> int | None:
    """The current version of the table at `uri`, None where there is no table.

    Raises:
        Damaged: the table's log is not what was written.
    """
    log_backup.check(uri)
    try:
        return DeltaTable(uri).version()
    except TableNotFoundError:
        return None


def has_day(uri: str, at_version: int, day_column: str, day: dt.date) -> bool:
    """Whether the day was published in the table, with rows or without, by its log alone."""
    there = DeltaTable(uri, version=at_version).file_uris(file_pruning_predicate=f"{day_column} = '{day}'")
    return bool(there) or is_published(uri, at_version, day)


def days(uri: str, at_version: int, day_column: str) -> set[dt.date]:
    """The days that the table holds rows of, by its log alone.

    Raises:
        Gone: the version can no longer be read.
    """
    try:
        partitions = DeltaTable(uri, version=at_version).partitions()
    except DeltaError as error:
        raise Gone(str(error)) from error
    return {dt.date.fromisoformat(str(partition[day_column])) for partition in partitions}


def files(uri: str, contract: Contract) -> list[DataFile]:
    """The files of the table's current version, by its log."""
    return files_of(DeltaTable(uri), contract)


def arrow(uri: str, at_version: int) -> "pyarrow.dataset.Dataset":
    """The table as an Arrow dataset, to be scanned batch by batch without Spark."""
    # By Arrow's own file system: that of delta-rs is Python, and where its threads still let go of a file when the process ends,
    # Arrow aborts it (Arrow #34314, delta-rs #2184), one process in two that ends right after a scan.
    store, root = filesystem(uri)
    return DeltaTable(uri, version=at_version).to_pyarrow_dataset(filesystem=SubTreeFileSystem(root, store))


def frame(spark: "SparkSession", uri: str, at_version: int) -> "DataFrame":
    """The table as a Spark data frame."""
    return spark.read.format("delta").option("versionAsOf", at_version).load(uri)
