"""The first half of a write: writes rows to files that no reader sees yet.

The files are in their own folder below the table. `commit.commit` later only adds their names to the table's log. If the audit
fails, the files stay there for inspection, and the error message names the folder.
"""

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from jobs.platform.errors import BadInput, NightreelError
from jobs.platform.lake.content_hash import content_hash
from jobs.platform.lake.files import DataFile, filesystem
from jobs.platform.phases import Phase, phase
from schemas.contract import Contract

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


_COMPRESSION = "zstd"
"""Files are 20 to 50 % smaller than with Spark's default, Snappy, for the same CPU time."""
_ROWS_PER_GROUP = 1 << 15
"""Rows of a row group, the least that a reader reads. With half as many, files of events are 5 % larger."""


class Unreadable(NightreelError):
    """Files read back differently from what was written: a fault of disk or memory, so a retry may help (EX_IOERR)."""

    exit_code = 74


@dataclass(frozen=True)
class Written:
    """The result of a write as its writer reports it, before the audit."""

    attempt: str
    """Name of the files' folder below the table; unique for each write."""
    rows: int
    content: str | None = None
    """Content hash of the rows as Spark wrote them; None for rows that Arrow wrote."""


@dataclass(frozen=True)
class Staged:
    """A day's rows, written and audited."""

    attempt: str
    day: dt.date
    rows: int
    content: str
    """Content hash of the rows without volatile columns."""
    files: tuple[DataFile, ...]


@phase(Phase.STAGE)
def write(frame: "DataFrame", contract: Contract, uri: str, day: dt.date) -> Written:
    """Write the rows of a day to their own folder, each file in `Contract.sort_order`.

    The rows are counted and hashed while they are written, and sorted by the tasks that computed them, without a shuffle.
    """
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    attempt = _attempt(day)
    observation = Observation()
    content = content_hash(contract, [c.name for c in contract.columns])
    observed = frame.observe(observation, F.count(F.lit(1)).alias("rows"), content.alias("content"))
    options: dict[str, str | int] = {
        "compression": _COMPRESSION,
        "parquet.block.row.count.limit": _ROWS_PER_GROUP,
        "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    }
    in_order = observed.sortWithinPartitions(*contract.sort_order)
    in_order.write.partitionBy(*contract.partitioned_by).options(**options).parquet(f"{uri}/{attempt}")
    return Written(attempt, **observation.get)


@phase(Phase.STAGE)
def write_arrow(rows: pa.Table, contract: Contract, uri: str, day: dt.date, schema: pa.Schema) -> Written:
    """Write the rows of a day from an Arrow table as `write` does. In Spark they would be one task, in the memory of its JVM.

    Raises:
        BadInput: a value does not have its column's type.
    """
    try:
        typed = rows.cast(pa.schema([field.with_nullable(True) for field in schema]))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadInput(f"{contract.table}: {error}; nothing was written") from error
    attempt = _attempt(day)
    store, root = filesystem(uri)
    store.create_dir(f"{root}/{attempt}")  # without rows there is no file, but the audit still reads the folder
    parquet = ds.ParquetFileFormat()
    ds.write_dataset(
        typed.sort_by([(name, "ascending") for name in contract.sort_order]),
        f"{root}/{attempt}",
        format=parquet,
        max_rows_per_group=_ROWS_PER_GROUP,
        file_options=parquet.make_write_options(write_page_checksum=True, compression=_COMPRESSION),
        filesystem=store,
        partitioning=ds.partitioning(pa.schema([schema.field(n) for n in contract.partitioned_by]), flavor="hive"),
    )
    return Written(attempt, typed.num_rows)


def _attempt(day: dt.date) -> str:
    return f"{day}-{secrets.token_hex(6)}"


def digests(spark: "SparkSession", uri: str, paths: Sequence[str]) -> dict[str, str]:
    """Return the SHA-256 of Parquet files, computed by the executors. Unreadable files are left out.

    Args:
        spark: the session.
        uri: the table's location.
        paths: files or folders below the table; all of them exist.

    Returns:
        Path below the table -> 64 hexadecimal digits.
    """
    from pyspark.sql import functions as F

    if not paths:
        return {}
    _, root = filesystem(uri)
    options: dict[str, bool | str] = {
        "recursiveFileLookup": True,
        "pathGlobFilter": "*.parquet",
        "ignoreCorruptFiles": True,
    }
    files = spark.read.format("binaryFile").options(**options).load([f"{uri}/{path}" for path in paths])
    hashed = files.select("path", F.sha2("content", 256).alias("sha256")).collect()
    return {file.path.partition(f"{root}/")[2]: file.sha256 for file in hashed}


def describe(
    uri: str, contract: Contract, day: dt.date, written: Written, content: str, sha256: Mapping[str, str]
) -> Staged:
    """Return what is to be published of a write, with each file's number of rows from its footer.

    Args:
        uri: the table's location.
        contract: the table's contract.
        day: the day of the rows.
        written: the result of the write.
        content: content hash of the rows.
        sha256: path of each file below the table -> its digest.

    Raises:
        Unreadable: a file is missing or damaged.
    """
    store, root = filesystem(uri)
    try:
        files = tuple(_data_file(store, root, path, contract, day, digest) for path, digest in sorted(sha256.items()))
    except (OSError, pa.ArrowException) as error:
        raise Unreadable(f"{contract.table}: {uri}/{written.attempt} cannot be read back: {error}") from error
    if sum(file.rows for file in files) != written.rows:
        raise Unreadable(f"{contract.table}: {uri}/{written.attempt} has lost files since it was written")
    return Staged(written.attempt, day, written.rows, content, files)


def _data_file(store: pafs.FileSystem, root: str, path: str, contract: Contract, day: dt.date, sha256: str) -> DataFile:
    with store.open_input_file(f"{root}/{path}") as file:
        size, footer = file.size(), pq.read_metadata(file)
    partition = dict(unquote(part).split("=", 1) for part in path.split("/")[1:-1])
    return DataFile(path, day, size, partition, footer.num_rows, sha256, _bounds(footer, contract.stats_columns))


def _bounds(footer: pq.FileMetaData, columns: Sequence[str]) -> dict[str, tuple[object, object]]:
    """Return the minimum and maximum of each column; empty if the footer lacks one of them."""
    extremes: dict[str, list[Any]] = {name: [] for name in columns}
    for group in map(footer.row_group, range(footer.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            if column.path_in_schema in extremes:
                statistics = column.statistics
                if statistics is None or not statistics.has_min_max:
                    return {}
                extremes[column.path_in_schema] += [statistics.min, statistics.max]
    return {name: (min(values), max(values)) for name, values in extremes.items()} if all(extremes.values()) else {}
