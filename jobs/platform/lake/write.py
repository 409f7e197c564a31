"""Writes tables one day at a time (`stage`, `audit`, `commit`), and creates them from their contracts."""

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
from jobs.platform.lake.files import STORE_OPTIONS
from jobs.platform.lake.history import OWN_COMMIT, Publication
from jobs.platform.lake.read import version
from jobs.platform.phases import Phase, phase
from jobs.platform.spark_errors import convert_spark_errors
from schemas.contract import Contract

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def replace_day(
    spark: "SparkSession",
    rows: "DataFrame | pa.Table",
    contract: Contract,
    uri: str,
    day: dt.date,
    expected_token: int,
    made_by: Mapping[str, Any],
    expected_content: str | None = None,
) -> Publication:
    """Replace the day's rows of the table: stage the new rows, audit them, then publish them in one commit.

    The table is created from its contract if it does not exist yet.

    Args:
        spark: the session for the audit.
        rows: exactly the contract's columns.
        contract: the table's contract.
        uri: the table's location.
        day: the only day that the rows may have.
        expected_token: the day's `commit.token` when the writer started.
        made_by: how the rows were made; stored in the commit.
        expected_content: content hash of the day's current rows, if the same rows are only written to other files. The commit
            then tells Delta's readers that no data changed.

    Returns:
        The content of the commit.

    Raises:
        BadInput: the columns are not those of the contract, or a row breaks the contract; nothing is published.
        Overtaken: another writer published the day after this one started.
        Unreadable: the written rows could not be read back.
    """
    aligned = _aligned(rows, contract)
    table = create(contract, uri)
    schema = pa.schema(table.schema())
    with convert_spark_errors(contract.table):
        if isinstance(aligned, pa.Table):
            written = stage.write_arrow(aligned, contract, uri, day, schema)
        else:
            written = stage.write(aligned, contract, uri, day)
    staged = audited(spark, contract, uri, day, written)
    if expected_content is not None and staged.content != expected_content:
        raise stage.Unreadable(
            f"{contract.table}: the rows of {day} differ from those that were published; run make verify"
        )
    new_version = commit.commit(uri, contract, staged, expected_token, made_by, data_change=expected_content is None)
    now = dt.datetime.now(dt.UTC)
    sha256 = {file.path: str(file.sha256) for file in staged.files}
    return Publication(new_version, now, day, staged.attempt, staged.rows, staged.content, sha256, dict(made_by))


def audited(spark: "SparkSession", contract: Contract, uri: str, day: dt.date, written: stage.Written) -> stage.Staged:
    """Audit the written rows of a day, and return what is to be published. Arguments and errors are those of `audit`."""
    failpoint("staged")
    with phase(Phase.AUDIT):
        content = audit(spark, contract, uri, day, written)
        sha256 = stage.digests(spark, uri, [written.attempt])
        return stage.describe(uri, contract, day, written, content, sha256)


def create(contract: Contract, uri: str) -> DeltaTable:
    """Create the table if it does not exist, otherwise add what its contract has in addition (`evolve`).

    If two processes create it at once, one commit succeeds and both use that table.

    Raises:
        BadInput: the contract and the table differ by more than additions to the contract.
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
                storage_options=STORE_OPTIONS,
                # No retries: on a retry delta-rs would replace the table that another process has just created.
                commit_properties=CommitProperties(OWN_COMMIT.custom_metadata, max_commit_retries=0),
            )
    return evolve(contract, uri)


def _aligned(rows: "DataFrame | pa.Table", contract: Contract) -> "DataFrame | pa.Table":
    """Return the rows with the contract's columns in the contract's order. Arrow tables are cast later, when they are written."""
    declared = {column.name: column.type for column in contract.columns}
    if isinstance(rows, pa.Table):
        actual = {name: declared.get(name, "present") for name in rows.column_names}
    else:
        actual = {field.name: field.dataType.simpleString() for field in rows.schema.fields}
    differences = [
        f"column {name} is {actual.get(name, 'missing')}, but {declared.get(name, 'not declared')} in the contract"
        for name in sorted(declared.keys() | actual.keys())
        if declared.get(name) != actual.get(name)
    ]
    if differences:
        raise BadInput(f"{contract.table}: {'; '.join(differences)}; nothing was written")
    return rows.select(list(declared)) if isinstance(rows, pa.Table) else rows.select(*declared)
