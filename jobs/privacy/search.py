"""Searches for erased users: in the files of tables, including files that belong to no version, and in all other files."""

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from infra.storage import Location, files_below, location
from jobs.ingest import erased_lines, landed_files, landing
from jobs.platform import erasure, lake
from jobs.platform.pseudonym import key, pseudonym
from jobs.platform.settings import Settings
from schemas.contract import Contract, tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PSEUDONYM = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_ID = re.compile(rb"(?<![0-9A-Za-z.])0*([0-9]{1,19})(?:\.0+)?(?![0-9A-Za-z.])")
_BLOCK_BYTES = 1 << 24
_GZIP = b"\x1f\x8b"


def find_in_table(uri: str, contract: Contract, erased: frozenset[str]) -> dict[str, Counter[str] | None]:
    """Find the Parquet files below a table that contain rows of erased users, whether a version has these files or not.

    Returns:
        Path below the table -> number of rows by digest of the user; None for a damaged file.
    """
    columns = erasure.owner_columns(contract)
    if not columns or not erased:
        return {}
    store, root = lake.filesystem(uri)
    files: dict[str, Counter[str] | None] = {}
    for info in store.get_file_info(pafs.FileSelector(root, recursive=True, allow_not_found=True)):
        path = info.path[len(root) + 1 :]
        if not info.is_file or not path.endswith(".parquet") or path.startswith("_delta_log/"):
            continue
        try:
            rows = _count_rows(store, info.path, columns, erased)
        except (OSError, pa.ArrowException):
            files[path] = None
        else:
            files |= {path: rows} if rows else {}
    return files


def _count_rows(store: pafs.FileSystem, path: str, columns: Sequence[str], erased: frozenset[str]) -> Counter[str]:
    """Count the rows of erased users in a file."""
    rows: Counter[str] = Counter()
    with store.open_input_file(path) as opened:
        file = pq.ParquetFile(opened)
        present = [name for name in columns if name in file.schema_arrow.names]  # a file may be older than a column
        for batch in file.iter_batches(columns=present):
            digests = erasure.owner_digests([batch.column(name) for name in present])
            rows.update(digest for digest in digests if digest in erased)
    return rows


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


def find_in_files(settings: Settings, erased: frozenset[str]) -> Iterator[Location]:
    """Find the files below NIGHTREEL_HOME and NIGHTREEL_FILES that name an erased user by pseudonym.

    Skips the files of tables with a contract (`find_in_table`) and of feeds with users (`find_in_landing`).
    """
    table_folders = {location(settings.uri(table)) for table in tables()}
    feed_folders = {settings.landing / feed for feed in erased_lines.PERSONAL}
    for path in dict.fromkeys([*files_below(settings.home), *files_below(settings.files)]):
        is_of_table = path.suffix == ".parquet" and not table_folders.isdisjoint(path.parents)
        if is_of_table or not feed_folders.isdisjoint(path.parents):
            continue
        try:
            has_pseudonym = _has_pseudonym(path, erased)
        except FileNotFoundError:
            continue  # another process deleted it meanwhile
        except (OSError, EOFError, zlib.error, pa.ArrowException):
            has_pseudonym = True  # an unreadable file may contain one
        if has_pseudonym:
            yield path


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
