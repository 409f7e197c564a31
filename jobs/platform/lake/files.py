"""The files of a table: their store, and their entries in the table's log."""

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.fs as pafs
from deltalake import DeltaTable

from infra.storage import RETRY_TIMEOUT_S, s3_uri
from schemas.contract import Contract

# A store that falls silent fails a request within a minute. By default it took Arrow 105 s, and delta-rs 181 s.
_TIMEOUT_S = 10
_ATTEMPTS = 3
STORE_OPTIONS = {"retry_timeout": f"{RETRY_TIMEOUT_S}s"}
"""Options of delta-rs for each table."""


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a table."""

    path: str
    """Relative to the table."""
    day: dt.date
    size: int
    """Bytes."""
    partition: dict[str, str]
    """Value of each partition column."""
    rows: int
    sha256: str | None = None
    """Of the file's bytes; it is not in the table's log."""
    bounds: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    """Minimum and maximum of each column of `Contract.stats_columns`; empty if the file lacks one of them."""


def open_table(uri: str, version: int | None = None) -> DeltaTable:
    """Return the table at a location, at its current or at another version.

    Raises:
        TableNotFoundError: there is no table.
    """
    return DeltaTable(uri, version=version, storage_options=STORE_OPTIONS)


def filesystem(uri: str) -> tuple[pafs.FileSystem, str]:
    """Return the store of a table, and the table's path in it."""
    if "://" not in uri:
        return pafs.LocalFileSystem(), uri
    if not s3_uri(uri).startswith("s3://"):
        store, path = pafs.FileSystem.from_uri(uri)
        return store, path
    store = pafs.S3FileSystem(
        endpoint_override=os.environ.get("AWS_ENDPOINT_URL"),
        connect_timeout=_TIMEOUT_S,
        request_timeout=_TIMEOUT_S,
        retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
    )
    return store, s3_uri(uri).removeprefix("s3://")


def files_of(table: DeltaTable, contract: Contract) -> list[DataFile]:
    """Return the files of a version of a table, from its log. `rows` is 0 if the writer recorded no row count."""
    return [_data_file(file, contract) for file in pa.table(table.get_add_actions(flatten=True)).to_pylist()]


def _data_file(file: dict[str, object], contract: Contract) -> DataFile:
    partition = {name: str(file[f"partition.{name}"]) for name in contract.partitioned_by}
    day = dt.date.fromisoformat(partition[contract.day_column])
    bounds = {name: (file.get(f"min.{name}"), file.get(f"max.{name}")) for name in contract.stats_columns}
    return DataFile(
        path=str(file["path"]),
        day=day,
        size=int(str(file["size_bytes"])),
        partition=partition,
        rows=int(str(file.get("num_records") or 0)),
        bounds={} if any(None in bound for bound in bounds.values()) else bounds,
    )
