"""Delta tables by path: how they are created, read at a version, and written a day at a time (`staging`, then `publish`)."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from pyarrow.fs import SubTreeFileSystem

from jobs.platform import publish, receipts, staging
from jobs.platform.audit import audit
from jobs.platform.errors import BadInput
from jobs.platform.evolve import evolve
from jobs.platform.failpoint import failpoint
from jobs.platform.publications import OURS, Publication
from schemas.contract import Contract

if TYPE_CHECKING:
    import pyarrow.dataset
    from pyspark.sql import DataFrame, SparkSession

_BROKEN_RULES = ("CAST_INVALID_INPUT", "CAST_OVERFLOW")
_OUR_ERROR = re.compile(r"^jobs\.platform\.errors\.BadInput: (.*)$", re.MULTILINE)


def version(uri: str) -> int | None:
    """The current version of the table at `uri`, None where there is no table.

    Raises:
        Damaged: the table's log is not what was written.
    """
    receipts.check(uri)
    try:
        return DeltaTable(uri).version()
    except TableNotFoundError:
        return None


def has_day(uri: str, at_version: int, day_column: str, day: dt.date) -> bool:
    """Whether the day was published in the table, with rows or without, by its log alone."""
    files = DeltaTable(uri, version=at_version).file_uris(file_pruning_predicate=f"{day_column} = '{day}'")
    return bool(files) or publish.is_published(uri, at_version, day)


def days(uri: str, at_version: int, day_column: str) -> set[dt.date]:
    """The days that the table holds rows of, by its log alone."""
    partitions = DeltaTable(uri, version=at_version).partitions()
    return {dt.date.fromisoformat(str(partition[day_column])) for partition in partitions}


def files_of_day(uri: str, day_column: str, day: dt.date) -> list[str]:
    """The day's files in the current version of the table, by its log."""
    return DeltaTable(uri).file_uris(file_pruning_predicate=f"{day_column} = '{day}'")


def arrow(uri: str, at_version: int) -> "pyarrow.dataset.Dataset":
    """The table as an Arrow dataset, to be scanned batch by batch without Spark."""
    # By Arrow's own file system: that of delta-rs is Python, and where its threads still let go of a file when the process ends,
    # Arrow aborts it (Arrow #34314, delta-rs #2184), one process in two that ends right after a scan.
    store, root = staging.filesystem(uri)
    return DeltaTable(uri, version=at_version).to_pyarrow_dataset(filesystem=SubTreeFileSystem(root, store))


def read(spark: "SparkSession", uri: str, at_version: int) -> "DataFrame":
    """The table as it was at a version."""
    return spark.read.format("delta").option("versionAsOf", at_version).load(uri)


def replace_day(
    spark: "SparkSession",
    rows: "DataFrame | pa.Table",
    contract: Contract,
    uri: str,
    day: dt.date,
    seen: int,
    made_by: Mapping[str, Any],
    expected: str | None = None,
) -> Publication:
    """Replace the day's rows of the table by others: staged, audited, then published in one commit.

    The table is created from its contract where it does not exist yet.

    Args:
        spark: the session that audits.
        rows: exactly the contract's columns.
        contract: of the table.
        uri: where the table lies.
        day: the only day that rows may be of.
        seen: the day's `publish.token` when the writer began.
        made_by: what made the rows; the commit carries it.
        expected: content hash that the rows must have, where they are known already.

    Returns:
        What the commit says.

    Raises:
        BadInput: the rows' columns are not those of the contract, or its rows break its promises; nothing is published.
        Overtaken: another writer published the day since this one began.
        Unreadable: what was written could not be read back.
    """
    aligned = _aligned(rows, contract)
    table = create(contract, uri)
    schema = pa.schema(table.schema())
    with bad_rows_named(contract.table):
        if isinstance(aligned, pa.Table):
            written = staging.write_arrow(aligned, contract, uri, day, schema)
        else:
            written = staging.write(aligned, contract, uri, day)
    failpoint("staged")
    content = audit(spark, contract, uri, day, written)
    sha256 = staging.digests(spark, uri, [written.attempt])
    staged = staging.describe(uri, contract, day, written, content, sha256)
    if expected is not None and content != expected:
        raise staging.Unreadable(
            f"{contract.table}: the rows of {day} are not those that were published; see make verify"
        )
    made = publish.commit(uri, contract, staged, seen, made_by)
    files = {file.path: file.sha256 for file in staged.files}
    now = dt.datetime.now(dt.UTC)
    return Publication(made, now, day, staged.attempt, staged.rows, staged.content, files, dict(made_by))


def create(contract: Contract, uri: str) -> DeltaTable:
    """The table, made by one commit where there is none; of two that make it at once, one wins and both use it.

    A table that is there is given what its contract has more than it.

    Raises:
        BadInput: the contract is not that of the table with something added.
    """
    if version(uri) is None:
        with suppress(CommitFailedError, DeltaError):
            DeltaTable.create(
                uri,
                Schema.from_json(contract.struct_type().json()),
                partition_by=list(contract.partitioned_by),
                description=contract.purpose,
                configuration=contract.properties(),
                raise_if_key_not_exists=False,
                # Tried once: delta-rs would make the table of the one that comes second over that of the first.
                commit_properties=CommitProperties(OURS.custom_metadata, max_commit_retries=0),
            )
    return evolve(contract, uri)


@contextmanager
def bad_rows_named(table: str) -> Iterator[None]:
    """Turn Spark's error over a row that breaks the table's contract, or over a file that cannot be read, into one line.

    Raises:
        BadInput: a value is not of its type, is missing, or breaks a rule, or a file is not sound; nothing was written.
    """
    from pyspark.errors import PySparkException  # pyspark takes long to import, and not every job needs it

    try:
        yield
    except PySparkException as error:
        if found := _OUR_ERROR.search(str(error)):  # an executor could not read a file of the landing
            raise BadInput(found[1]) from error
        for line in str(error).splitlines():
            if any(broken in line for broken in _BROKEN_RULES):
                raise BadInput(f"{table}: a row breaks its contract, nothing was written: {line}") from error
        raise


def _aligned(rows: "DataFrame | pa.Table", contract: Contract) -> "DataFrame | pa.Table":
    """The rows with the contract's columns in its order. Those of an Arrow table are cast when they are written."""
    declared = {column.name: column.type for column in contract.columns}
    if isinstance(rows, pa.Table):
        given = {name: declared.get(name, "there") for name in rows.column_names}
    else:
        given = {field.name: field.dataType.simpleString() for field in rows.schema.fields}
    wrong = [
        f"{name} is {given.get(name, 'absent')}, the contract says {declared.get(name, 'no such column')}"
        for name in sorted(declared.keys() | given.keys())
        if declared.get(name) != given.get(name)
    ]
    if wrong:
        raise BadInput(f"{contract.table}: {'; '.join(wrong)}; nothing was written")
    return rows.select(list(declared)) if isinstance(rows, pa.Table) else rows.select(*declared)
