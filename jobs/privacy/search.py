"""Searches for erased users: in the files of tables, including files that belong to no version, and in all other files.

Spark's executors read the files that all machines share. The process of the job gets paths and counts.
"""

import gzip
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from infra.storage import Location, files_below, location
from jobs.ingest import erased_lines, landed_files, landing
from jobs.ingest.map_files import map_files
from jobs.platform import erasure, lake
from jobs.platform.pseudonym import key, pseudonym
from jobs.platform.settings import Settings
from schemas.contract import load_contract, tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PSEUDONYM = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_ID = re.compile(rb"(?<![0-9A-Za-z.])0*([0-9]{1,19})(?:\.0+)?(?![0-9A-Za-z.])")
_BLOCK_BYTES = 1 << 24
_FILES_PER_TASK = 16
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Found:
    """The files of tables with rows of erased users."""

    files: dict[str, dict[str, int | None]]
    """Table -> path below it -> number of rows of erased users; None for a damaged file."""
    users: frozenset[str]
    """Digests of the users who have rows in these files."""


def find_in_tables(spark: "SparkSession", settings: Settings, names: Collection[str], erased: frozenset[str]) -> Found:
    """Find the Parquet files below tables that contain rows of erased users, whether a version has these files or not.

    Args:
        spark: the session.
        settings: the location of the lake.
        names: the tables.
        erased: digests of the users.
    """
    from pyspark.sql import functions as F

    paths = {
        f"{table}/{path}": location(settings.uri(table)) / path
        for table in names
        if erasure.owner_columns(load_contract(table))
        for path in _parquet_files(settings.uri(table))
    }
    if not paths or not erased:
        return Found({}, frozenset())
    schema = pa.schema([("file", pa.string()), ("user", pa.string()), ("rows", pa.int64())])

    def search(file: str, path: Location) -> Iterator[pa.RecordBatch]:
        rows: dict[str, int] | dict[None, None]
        try:
            rows = _count_rows(path, erasure.owner_columns(load_contract(file.partition("/")[0])), erased)
        except (OSError, pa.ArrowException):
            rows = {None: None}
        yield pa.RecordBatch.from_pydict(
            {"file": [file] * len(rows), "user": [*rows], "rows": [*rows.values()]}, schema
        )

    rows = map_files(spark, paths, search, schema, _FILES_PER_TASK)
    files: dict[str, dict[str, int | None]] = defaultdict(dict)
    users = set()
    # A row for each file and a row for each user, instead of one for each pair.
    for total in rows.groupingSets([["file"], ["user"]], "file", "user").agg(F.sum("rows").alias("rows")).collect():
        if total.file is not None:
            table, _, path = total.file.partition("/")
            files[table][path] = total.rows
        elif total.user is not None:
            users.add(total.user)
    return Found(dict(files), frozenset(users))


def _parquet_files(uri: str) -> list[str]:
    """Return the paths of the Parquet files below a table, without those of its log."""
    store, root = lake.filesystem(uri)
    infos = store.get_file_info(pafs.FileSelector(root, recursive=True, allow_not_found=True))
    paths = [info.path[len(root) + 1 :] for info in infos if info.is_file]
    return sorted(path for path in paths if path.endswith(".parquet") and not path.startswith("_delta_log/"))


def _count_rows(path: Location, columns: Sequence[str], erased: frozenset[str]) -> Counter[str]:
    """Count the rows of erased users in a file, by digest of the user."""
    rows: Counter[str] = Counter()
    store, path_in_store = lake.filesystem(str(path))  # reads only the columns, unlike `path.open` in an object store
    with store.open_input_file(path_in_store) as opened:
        file = pq.ParquetFile(opened)
        present = [name for name in columns if name in file.schema_arrow.names]  # a file may be older than a column
        for number in range(file.num_row_groups):
            needed = _needed(file.metadata.row_group(number), present)
            for batch in file.iter_batches(row_groups=[number], columns=needed):
                digests = erasure.owner_digests([batch.column(name) for name in needed])
                rows.update(digest for digest in digests if digest in erased)
    return rows


def _needed(group: pq.RowGroupMetaData, columns: Sequence[str]) -> Sequence[str]:
    """Return the columns that tell the users of a row group: the first one suffices if its statistics say that it has no null."""
    statistics = {column.path_in_schema: column.statistics for column in map(group.column, range(group.num_columns))}
    for count, name in enumerate(columns, 1):
        if (known := statistics.get(name)) is not None and known.has_null_count and known.null_count == 0:
            return columns[:count]
    return columns


def find_in_landing(spark: "SparkSession", settings: Settings) -> Iterator[Location]:
    """Find the files of the landing that name, or may name, an erased user by id.

    Files that ingest reads are searched with ingest's own parser. In all other files any separate number counts as an id.
    """
    for feed in erased_lines.PERSONAL:
        read: set[Location] = set()
        for night in landing.nights(settings.landing, feed):
            folder = landing.content(landing.folder(settings.landing, feed, night))
            read |= {folder / name for name in landed_files.files(settings.landing, feed, night)} | {
                folder / landing.MANIFEST
            }
            yield from (folder / name for name in erased_lines.find(spark, settings, feed, night))
        secret, erased = key(settings), erasure.read(settings)
        for path in files_below(settings.landing / feed):
            if path not in read and _may_name(path, secret, erased):
                yield path


def find_in_files(spark: "SparkSession", settings: Settings, erased: frozenset[str]) -> Iterator[Location]:
    """Find the files below NIGHTREEL_HOME and NIGHTREEL_FILES that name an erased user by pseudonym.

    Skips the files of tables with a contract (`find_in_tables`) and of feeds with users (`find_in_landing`). Executors read the
    files below NIGHTREEL_FILES, which all machines share; this process reads the others.
    """
    table_folders = {location(settings.uri(table)) for table in tables()}
    feed_folders = {settings.landing / feed for feed in erased_lines.PERSONAL}
    paths = [
        path
        for path in dict.fromkeys([*files_below(settings.home), *files_below(settings.files)])
        if feed_folders.isdisjoint(path.parents)
        and not (path.suffix == ".parquet" and not table_folders.isdisjoint(path.parents))
    ]
    shared = {str(path): path for path in paths if settings.files in path.parents}
    schema = pa.schema([("file", pa.string())])

    def search(file: str, path: Location) -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"file": [file] if _has_pseudonym(path, erased) else []}, schema)

    if shared:
        yield from (shared[row.file] for row in map_files(spark, shared, search, schema, _FILES_PER_TASK).collect())
    yield from (path for path in paths if str(path) not in shared and _has_pseudonym(path, erased))


def _may_name(path: Location, secret: bytes, erased: frozenset[str]) -> bool:
    try:
        texts = _texts(path)
        numbers = {int(number) for text in texts for number in _ID.findall(text)}
    except (OSError, EOFError, zlib.error, pa.ArrowException):
        return True
    return any(erasure.digest(pseudonym(number, secret)) in erased for number in numbers)


def _texts(path: Location) -> Iterator[bytes]:
    if path.suffix == ".parquet":
        with path.open("rb") as file:
            yield from (str(row).encode() for batch in pq.ParquetFile(file).iter_batches() for row in batch.to_pylist())
        return
    with _unpacked(path) as file:
        yield from file


def _has_pseudonym(path: Location, erased: frozenset[str]) -> bool:
    """True if a file contains the pseudonym of an erased user, or cannot be read; False if another process has deleted it."""
    try:
        return _contains_pseudonym(path, erased)
    except FileNotFoundError:
        return False
    except (OSError, EOFError, zlib.error, pa.ArrowException):
        return True


def _contains_pseudonym(path: Location, erased: frozenset[str]) -> bool:
    if path.suffix == ".parquet":
        with path.open("rb") as opened:
            columns = (column for batch in pq.ParquetFile(opened).iter_batches() for column in batch.columns)
            texts = (str(value).encode() for column in columns if pa.types.is_string(column.type) for value in column)
            return any(erasure.digest(name.decode()) in erased for text in texts for name in _PSEUDONYM.findall(text))
    with _unpacked(path) as file:
        end = b""
        while block := file.read(_BLOCK_BYTES):
            # A pseudonym may start at the end of the previous block.
            matches = _PSEUDONYM.findall(end + block)
            if any(erasure.digest(text.decode()) in erased for text in matches):
                return True
            end = block[-40:]
    return False


@contextmanager
def _unpacked(path: Location) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        is_packed = file.read(2) == _GZIP
        file.seek(0)
        yield cast(BinaryIO, gzip.GzipFile(fileobj=file)) if is_packed else file
