"""Writes tables a day at a time: `stage`, `audit`, then `commit`; and makes them from their contracts."""

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, DeltaError

from jobs.platform.errors import BadInput
from jobs.platform.failpoint import failpoint
from jobs.platform.lake import commit, stage
from jobs.platform.lake.audit import audit
from jobs.platform.lake.evolve import evolve
from jobs.platform.lake.history import OURS, Publication
from jobs.platform.lake.read import version
from jobs.platform.spark_errors import bad_rows_named
from schemas.contract import Contract

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


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
        seen: the day's `commit.token` when the writer began.
        made_by: what made the rows; the commit carries it.
        expected: content hash of the rows that the day has, where these are only written to other files; Delta's readers are
            told then that no data changed.

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
            written = stage.write_arrow(aligned, contract, uri, day, schema)
        else:
            written = stage.write(aligned, contract, uri, day)
    failpoint("staged")
    content = audit(spark, contract, uri, day, written)
    sha256 = stage.digests(spark, uri, [written.attempt])
    staged = stage.describe(uri, contract, day, written, content, sha256)
    if expected is not None and content != expected:
        raise stage.Unreadable(
            f"{contract.table}: the rows of {day} are not those that were published; see make verify"
        )
    made = commit.commit(uri, contract, staged, seen, made_by, data_change=expected is None)
    now = dt.datetime.now(dt.UTC)
    return Publication(made, now, day, staged.attempt, staged.rows, staged.content, sha256, dict(made_by))


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
