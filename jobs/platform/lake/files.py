"""The files of a table: their store, and their entries in the table's log."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.fs as pafs
from deltalake import DeltaTable

from infra.storage import s3_uri
from schemas.contract import Contract


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


def filesystem(uri: str) -> tuple[pafs.FileSystem, str]:
    """Return the store of a table, and the table's path in it."""
    if "://" not in uri:
        return pafs.LocalFileSystem(), uri
    store, path = pafs.FileSystem.from_uri(s3_uri(uri))
    return store, path


def files_of(table: DeltaTable, contract: Contract) -> list[DataFile]:
    """Return the files of a version of a table, from its log. `rows` is 0 if the writer recorded no row count."""
    return [_data_file(file, contract) for file in pa.table(table.get_add_actions(flatten=True)).to_pylist()]


def _data_file(file: dict[str, object], contract: Contract) -> DataFile:
    partition = {name: str(file[f"partition.{name}"]) for name in contract.partitioned_by}
    day = dt.date.fromisoformat(partition[contract.day_column])
    return DataFile(
        str(file["path"]), day, int(str(file["size_bytes"])), partition, int(str(file.get("num_records") or 0))
    )
