"""The first half of a write: rows as files that no reader sees yet.

The files go to a folder of their own below the table. They hold what the table will hold after `commit.commit`, which
only names them; until then, and if the audit fails for good, they are only looked at by a person who is told where they are.
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
from schemas.contract import Contract

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class Unreadable(NightreelError):
    """What was written reads back as something else: a fault of disk or memory, so another try may help (EX_IOERR)."""

    exit_code = 74


@dataclass(frozen=True)
class Written:
    """What a writer says it has written, before anybody has looked."""

    attempt: str
    """Name of the files' folder below the table; no two writes share one."""
    rows: int
    content: str | None = None
    """Content hash of the rows as Spark wrote them; None for rows that Arrow wrote."""


@dataclass(frozen=True)
class Staged:
    """A day's rows, written and found to be right."""

    attempt: str
    day: dt.date
    rows: int
    content: str
    """Content hash of the rows, volatile columns aside."""
    files: tuple[DataFile, ...]


def write(frame: "DataFrame", contract: Contract, uri: str, day: dt.date) -> Written:
    """Write the rows of a day aside; they are counted and hashed as they pass by."""
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    attempt = _attempt(day)
    passed = Observation()
    content = content_hash(contract, [c.name for c in contract.columns])
    observed = frame.observe(passed, F.count(F.lit(1)).alias("rows"), content.alias("content"))
    observed.write.partitionBy(*contract.partitioned_by).option(
        "mapreduce.fileoutputcommitter.marksuccessfuljobs", "false"
    ).parquet(f"{uri}/{attempt}")
    return Written(attempt, **passed.get)


def write_arrow(rows: pa.Table, contract: Contract, uri: str, day: dt.date, schema: pa.Schema) -> Written:
    """The same for rows that no Spark has: through it they would be one task, in the memory of its JVM.

    Raises:
        BadInput: a value is not of its column's type.
    """
    try:
        typed = rows.cast(pa.schema([field.with_nullable(True) for field in schema]))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadInput(f"{contract.table}: {error}; nothing was written") from error
    attempt = _attempt(day)
    store, root = filesystem(uri)
    store.create_dir(f"{root}/{attempt}")  # also where there is no row, hence no file, to be read back
    parquet = ds.ParquetFileFormat()
    ds.write_dataset(
        typed,
        f"{root}/{attempt}",
        format=parquet,
        file_options=parquet.make_write_options(write_page_checksum=True),
        filesystem=store,
        partitioning=ds.partitioning(pa.schema([schema.field(n) for n in contract.partitioned_by]), flavor="hive"),
    )
    return Written(attempt, typed.num_rows)


def _attempt(day: dt.date) -> str:
    return f"{day}-{secrets.token_hex(6)}"


def digests(spark: "SparkSession", uri: str, paths: Sequence[str]) -> dict[str, str]:
    """The SHA-256 of Parquet files, computed by the executors; a file that cannot be read is left out.

    Args:
        spark: the session that reads.
        uri: where the table lies.
        paths: of files or folders below the table; all of them exist.

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
    found = files.select("path", F.sha2("content", 256).alias("sha256")).collect()
    return {file.path.partition(f"{root}/")[2]: file.sha256 for file in found}


def describe(
    uri: str, contract: Contract, day: dt.date, written: Written, content: str, sha256: Mapping[str, str]
) -> Staged:
    """What is published of a write, with the number of rows that each file's footer tells.

    Args:
        uri: where the table lies.
        contract: of the table.
        day: of the rows.
        written: what was written.
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
    """The least and greatest value of each column; nothing where the footer does not tell all of them."""
    found: dict[str, list[Any]] = {name: [] for name in columns}
    for group in map(footer.row_group, range(footer.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            if column.path_in_schema in found:
                statistics = column.statistics
                if statistics is None or not statistics.has_min_max:
                    return {}
                found[column.path_in_schema] += [statistics.min, statistics.max]
    return {name: (min(ends), max(ends)) for name, ends in found.items()} if all(found.values()) else {}
