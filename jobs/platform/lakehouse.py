"""Delta tables by path: the only module that knows how they are created, read at a version, and written a day at a time."""

import datetime as dt
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from jobs.platform.errors import BadInput
from schemas.contract import Contract

if TYPE_CHECKING:
    import pyarrow.dataset
    from pyspark.sql import DataFrame, SparkSession

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_ATTEMPTS = 6
_PAUSE_S = 0.5
# Error conditions of Delta that mean "another commit came in between": nothing was written, so the write may be tried again.
_CONFLICTS = (
    "ConcurrentAppend",
    "ConcurrentDeleteRead",
    "ConcurrentTransaction",
    "ConcurrentWrite",
    "MetadataChanged",
    "ProtocolChanged",
    "DELTA_CONCURRENT",
    "DELTA_METADATA_CHANGED",
    "DELTA_PROTOCOL_CHANGED",
)
_BROKEN_RULES = ("DELTA_VIOLATE_CONSTRAINT", "DELTA_NOT_NULL_CONSTRAINT", "CAST_INVALID_INPUT", "CAST_OVERFLOW")


def version(uri: str) -> int | None:
    """The current version of the table at `uri`, None where there is no table."""
    try:
        return DeltaTable(uri).version()
    except TableNotFoundError:
        return None


def has_day(uri: str, at_version: int, day_column: str, day: dt.date) -> bool:
    """Whether the table holds any file of the day, by its log alone."""
    return bool(DeltaTable(uri, version=at_version).file_uris(file_pruning_predicate=f"{day_column} = '{day}'"))


def days(uri: str, at_version: int, day_column: str) -> set[dt.date]:
    """The days that the table holds rows of, by its log alone."""
    partitions = DeltaTable(uri, version=at_version).partitions()
    return {dt.date.fromisoformat(str(partition[day_column])) for partition in partitions}


def arrow(uri: str, at_version: int) -> "pyarrow.dataset.Dataset":
    """The table as an Arrow dataset, to be scanned batch by batch without Spark."""
    return DeltaTable(uri, version=at_version).to_pyarrow_dataset()


def read(spark: "SparkSession", uri: str, at_version: int) -> "DataFrame":
    """The table as it was at a version."""
    return spark.read.format("delta").option("versionAsOf", at_version).load(uri)


def replace_day(frame: "DataFrame", contract: Contract, uri: str, day: dt.date, metadata: Mapping[str, Any]) -> None:
    """Replace the day's rows of the table by those of `frame`, in one commit that carries `metadata`.

    The table is created from its contract where it does not exist yet. A commit that another one overtook is tried again,
    at most six times.

    Raises:
        BadInput: the frame's columns are not those of the contract, or a row breaks one of its rules; nothing is written.
    """
    aligned = _aligned(frame, contract)
    if version(uri) is None:
        _retried(lambda: frame.sparkSession.sql(contract.create_statement(uri)))
    writer = (
        aligned.write.format("delta")
        .mode("overwrite")
        .option("replaceWhere", f"`{contract.day_column}` = DATE'{day}'")
        .option("userMetadata", json.dumps(metadata, ensure_ascii=False, sort_keys=True))
    )
    with bad_rows_named(contract.table):
        _retried(lambda: writer.save(uri))


@contextmanager
def bad_rows_named(table: str) -> Iterator[None]:
    """Turn Spark's error over a row that breaks the table's contract into one line.

    Raises:
        BadInput: a value is not of its type, is missing, or breaks a rule; nothing was written.
    """
    from pyspark.errors import PySparkException  # pyspark takes long to import, and not every job needs it

    try:
        yield
    except PySparkException as error:
        for line in str(error).splitlines():
            if any(broken in line for broken in _BROKEN_RULES):
                raise BadInput(f"{table}: a row breaks its contract, nothing was written: {line}") from error
        raise


def _aligned(frame: "DataFrame", contract: Contract) -> "DataFrame":
    declared = {column.name: column.type for column in contract.columns}
    given = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    wrong = [
        f"{name} is {given.get(name, 'absent')}, the contract says {declared.get(name, 'no such column')}"
        for name in sorted(declared.keys() | given.keys())
        if declared.get(name) != given.get(name)
    ]
    if wrong:
        raise BadInput(f"{contract.table}: {'; '.join(wrong)}; nothing was written")
    return frame.select(*declared)


def _retried(write: Callable[[], _T]) -> _T:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return write()
        except Exception as error:
            if attempt == _ATTEMPTS or not any(conflict in str(error) for conflict in _CONFLICTS):
                raise
            _log.warning("another commit came first, attempt %d of %d: %.200s", attempt, _ATTEMPTS, error)
            time.sleep(_PAUSE_S * attempt)
    raise AssertionError("unreachable")
