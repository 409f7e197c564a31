"""Reads a table at a version: its days, its files, and its rows with Spark or Arrow."""

import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING

import pyarrow.dataset
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyarrow.fs import SubTreeFileSystem

from jobs.platform.errors import NightreelError
from jobs.platform.lake import log_backup
from jobs.platform.lake.commit import is_published
from jobs.platform.lake.files import DataFile, files_of, filesystem, open_table
from jobs.platform.settings import Settings
from schemas.contract import Contract
from schemas.contract import tables as contract_tables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class VersionGone(NightreelError):
    """A version of a table can no longer be read."""


def tables(settings: Settings) -> dict[str, int]:
    """Return the tables that exist in the lake, in alphabetical order, with their current versions."""
    versions = {table: version(settings.uri(table)) for table in contract_tables()}
    return {table: at_version for table, at_version in versions.items() if at_version is not None}


def version(uri: str) -> int | None:
    """Return the current version of the table at `uri`; None if there is no table.

    Raises:
        Damaged: the table's log differs from what was written.
    """
    log_backup.check(uri)
    try:
        return open_table(uri).version()
    except TableNotFoundError:
        return None


def has_day(uri: str, at_version: int, day_column: str, day: dt.date) -> bool:
    """True if the day was published in the table, with or without rows. Reads only the table's log."""
    files_of_day = open_table(uri, version=at_version).file_uris(file_pruning_predicate=f"{day_column} = '{day}'")
    return bool(files_of_day) or is_published(uri, at_version, day)


def days(uri: str, at_version: int, day_column: str) -> set[dt.date]:
    """Return the days that the table has rows of. Reads only the table's log.

    Raises:
        VersionGone: the version can no longer be read.
    """
    try:
        partitions = open_table(uri, version=at_version).partitions()
    except DeltaError as error:
        raise VersionGone(str(error)) from error
    return {dt.date.fromisoformat(str(partition[day_column])) for partition in partitions}


def files(uri: str, contract: Contract) -> list[DataFile]:
    """Return the files of the table's current version, from its log."""
    return files_of(open_table(uri), contract)


def count_rows(uri: str, at_version: int, contract: Contract, of_days: Collection[dt.date]) -> int:
    """Return how many rows of some days a version of the table has. Reads only the table's log."""
    return sum(file.rows for file in files_of(open_table(uri, version=at_version), contract) if file.day in of_days)


def arrow(uri: str, at_version: int) -> "pyarrow.dataset.Dataset":
    """Return the table as an Arrow dataset, to scan it batch by batch without Spark."""
    # With Arrow's own file system. The one of delta-rs is written in Python: if its threads still close a file when the process
    # ends, Arrow aborts (Arrow #34314, delta-rs #2184). This hit every second process that ended right after a scan.
    store, root = filesystem(uri)
    return open_table(uri, version=at_version).to_pyarrow_dataset(filesystem=SubTreeFileSystem(root, store))


def frame(spark: "SparkSession", uri: str, at_version: int) -> "DataFrame":
    """Return the table as a Spark data frame."""
    return spark.read.format("delta").option("versionAsOf", at_version).load(uri)
