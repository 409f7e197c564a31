"""The files of a table: where they lie, and what its log says of them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.fs as pafs
from deltalake import DeltaTable

from schemas.contract import Contract


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a table."""

    path: str
    """Below the table."""
    day: dt.date
    size: int
    """Bytes."""
    partition: dict[str, str]
    """Value of each partition column."""
    rows: int
    sha256: str | None = None
    """Of its bytes; the table's log does not have it."""
    bounds: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    """Least and greatest value of each column of `Contract.stats_columns`; empty where the file does not tell all of them."""


def filesystem(uri: str) -> tuple[pafs.FileSystem, str]:
    """The store that a table lies in, and its path there."""
    if "://" not in uri:
        return pafs.LocalFileSystem(), uri
    found, path = pafs.FileSystem.from_uri(uri.replace("s3a://", "s3://", 1))
    return found, path


def files_of(table: DeltaTable, contract: Contract) -> list[DataFile]:
    """The files that a version of a table has, by its log; files of writers that count no rows have 0."""
    return [_data_file(file, contract) for file in pa.table(table.get_add_actions(flatten=True)).to_pylist()]


def _data_file(file: dict[str, object], contract: Contract) -> DataFile:
    partition = {name: str(file[f"partition.{name}"]) for name in contract.partitioned_by}
    day = dt.date.fromisoformat(partition[contract.day_column])
    return DataFile(
        str(file["path"]), day, int(str(file["size_bytes"])), partition, int(str(file.get("num_records") or 0))
    )
