"""The first half of a write: rows as files that no reader sees yet, audited as they lie there.

The files go to a folder of their own below the table. They hold what the table will hold after `publish.commit`, which
only names them; until then, and if the audit fails for good, they are only looked at by a person who is told where they are.
"""

import datetime as dt
import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from jobs.platform.content_hash import content_hash
from jobs.platform.errors import BadInput, NightreelError
from schemas.contract import Column as ContractColumn
from schemas.contract import Contract

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


_FRACTIONS = re.compile(r"\b(double|float)>?$")


class Unreadable(NightreelError):
    """What was written reads back as something else: a fault of disk or memory, so another try may help (EX_IOERR)."""

    exit_code = 74


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a table."""

    path: str
    """Below the table."""
    size: int
    """Bytes."""
    sha256: str
    partition: dict[str, str]
    """Value of each partition column."""
    rows: int


@dataclass(frozen=True)
class Written:
    """What a writer says it has written, before anybody has looked."""

    attempt: str
    """Name of the files' folder below the table; no two writes share one."""
    rows: int
    checksum: int | None = None
    """Of the rows as Spark wrote them, see `_checksum`; None for rows that Arrow wrote."""
    content: str | None = None
    """Content hash of the rows as Arrow wrote them; None for rows that Spark wrote."""


@dataclass(frozen=True)
class Staged:
    """A day's rows, written and found to be right."""

    attempt: str
    day: dt.date
    rows: int
    content: str
    """Content hash of the rows, volatile columns aside."""
    files: tuple[DataFile, ...]


def filesystem(uri: str) -> tuple[pafs.FileSystem, str]:
    """The store that a table lies in, and its path there."""
    if "://" not in uri:
        return pafs.LocalFileSystem(), uri
    found, path = pafs.FileSystem.from_uri(uri.replace("s3a://", "s3://", 1))
    return found, path


def write(frame: "DataFrame", contract: Contract, uri: str, day: dt.date) -> Written:
    """Write the rows of a day aside; they are counted and summed up as they pass by."""
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    attempt = _attempt(day)
    passed = Observation()
    observed = frame.observe(passed, F.count(F.lit(1)).alias("rows"), _checksum(contract).alias("checksum"))
    observed.write.partitionBy(*contract.partitioned_by).option(
        "mapreduce.fileoutputcommitter.marksuccessfuljobs", "false"
    ).parquet(f"{uri}/{attempt}")
    counted = passed.get
    return Written(attempt, counted["rows"], checksum=int(counted["checksum"] or 0))


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
    stable = typed.select(contract.stable(typed.column_names))
    return Written(attempt, typed.num_rows, content=content_hash(stable.to_batches()))


def _attempt(day: dt.date) -> str:
    return f"{day}-{secrets.token_hex(6)}"


def audit(frame: "DataFrame", contract: Contract, day: dt.date, where: str, written: Written) -> None:
    """Hold what was written against the contract, all of it read back from the files.

    Args:
        frame: the files' rows.
        contract: of the table.
        day: the only day that the rows may be of.
        where: the files' folder, for a person to look at.
        written: what the files should hold.

    Raises:
        Unreadable: the files hold something else than what was written.
        BadInput: a value is missing, a row breaks a rule or is of another day, or two rows have one key.
    """
    from pyspark.sql import functions as F

    checks: dict[str, Column] = {f"is of {day}": F.col(contract.day_column) == F.lit(day)}
    checks |= {f"has a {c.name}": F.col(c.name).isNotNull() for c in contract.columns if c.required}
    checks |= {f"has a finite {c.name}": is_finite(c) for c in contract.columns if _FRACTIONS.search(c.type)}
    checks |= {f"{rule.name}: {rule.expression}": F.expr(rule.expression) for rule in contract.rules}
    broken = {name: ~F.coalesce(check, F.lit(False)) for name, check in checks.items()}
    found = frame.agg(
        F.count(F.lit(1)).alias("rows"),
        _checksum(contract).alias("checksum"),
        F.count_distinct(F.struct(*contract.key)).alias("keys"),
        *(F.count_if(check).alias(f"check {i}") for i, check in enumerate(broken.values())),
    ).first()
    assert found is not None  # an aggregate without groups has one row
    rows = written.rows
    if found["rows"] != rows or written.checksum not in (None, int(found["checksum"] or 0)):
        raise Unreadable(f"{contract.table}: {where} does not hold the {rows} rows that were written to it")
    for i, (name, check) in enumerate(broken.items()):
        if found[f"check {i}"]:
            example = frame.where(check).first()
            raise _broken(contract, where, f"{found[f'check {i}']} of {rows} rows break '{name}'", example)
    if found["keys"] != rows:
        twice = frame.groupBy(*contract.key).count().where("count > 1").orderBy(*contract.key).first()
        raise _broken(contract, where, f"{rows - found['keys']} of {rows} rows have the key of another one", twice)


def is_finite(column: ContractColumn) -> "Column":
    """Whether a value, or each value that it holds, is null or a number that is neither NaN nor infinite."""
    from pyspark.sql import functions as F

    def check(value: "Column") -> "Column":
        return value.isNull() | (F.abs(value) < float("inf"))  # to Spark NaN is more than any number

    value = F.col(column.name)
    if column.type.startswith("array<"):
        return value.isNull() | F.forall(value, check)
    if column.type.startswith("map<"):
        return value.isNull() | F.forall(F.map_values(value), check)
    return check(value)


def _broken(contract: Contract, where: str, what: str, example: Any) -> BadInput:
    shown = json.dumps(example.asDict() if example else {}, ensure_ascii=False, default=str)[:500]
    return BadInput(f"{contract.table}: {what}; nothing was published, the rows are in {where}; e.g. {shown}")


def staged(uri: str, contract: Contract, day: dt.date, written: Written, schema: pa.Schema) -> Staged:
    """Read what was written to its last byte, with its checksums, and describe it.

    Raises:
        Unreadable: a file is damaged.
    """
    attempt = written.attempt
    store, root = filesystem(uri)
    found = store.get_file_info(pafs.FileSelector(f"{root}/{attempt}", recursive=True))
    paths = sorted(info.path for info in found if info.is_file and info.path.endswith(".parquet"))
    try:
        files = tuple(data_file(store, root, path) for path in paths)
        rows, content = hashed(store, root, files, contract, schema)
    except (OSError, pa.ArrowException) as error:
        raise Unreadable(f"{contract.table}: {uri}/{attempt} cannot be read back: {error}") from error
    if written.content not in (None, content):
        raise Unreadable(f"{contract.table}: {uri}/{attempt} does not hold the rows that were written to it")
    return Staged(attempt, day, rows, content, files)


def hashed(
    store: pafs.FileSystem, root: str, files: tuple[DataFile, ...], contract: Contract, schema: pa.Schema
) -> tuple[int, str]:
    """Rows and content hash of some files of a table, every page held against its checksum."""
    checked = ds.ParquetFileFormat(
        default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True)
    )
    stable = contract.stable(schema.names)
    rows = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal rows
        for file in files:
            values = [ds.field(n) == pa.scalar(v).cast(schema.field(n).type) for n, v in file.partition.items()]
            known = values[0]
            for value in values[1:]:
                known &= value
            fragment = checked.make_fragment(f"{root}/{file.path}", store, known)
            for batch in fragment.to_batches(schema=schema, columns=stable):
                rows += batch.num_rows
                yield batch

    digest = content_hash(batches())
    return rows, digest


def data_file(store: pafs.FileSystem, root: str, path: str) -> DataFile:
    with store.open_input_file(path) as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.size()
        file.seek(0)
        footer = pq.read_metadata(file)
    below = path[len(root) + 1 :]
    partition = dict(unquote(part).split("=", 1) for part in below.split("/")[1:-1])
    return DataFile(below, size, sha256, partition, footer.num_rows)


def _checksum(contract: Contract) -> "Column":
    """A sum over the rows of a hash of all their columns, which knows no order."""
    from pyspark.sql import functions as F

    # Spark hashes no map, whose entries have no order.
    maps = [c.name for c in contract.columns if c.type.startswith("map<")]
    others = [F.col(c.name) for c in contract.columns if c.name not in maps]
    hashes = F.xxhash64(*others, *(F.array_sort(F.map_entries(name)) for name in maps))
    return F.sum(hashes.cast("decimal(20,0)"))
