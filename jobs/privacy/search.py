"""Where erased users are still to be found: in the files of tables, also those that no version has, and in all other files."""

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from jobs.ingest import erased_lines, landed_files, landing
from jobs.platform import erasure, lake
from jobs.platform.pseudonym import key, pseudonym
from jobs.platform.settings import Settings
from schemas.contract import Contract, tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PSEUDONYM = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_ID = re.compile(rb"(?<![0-9A-Za-z.])0*([0-9]{1,19})(?:\.0+)?(?![0-9A-Za-z.])")
_BLOCK = 1 << 24
_GZIP = b"\x1f\x8b"


def in_table(uri: str, contract: Contract, erased: frozenset[str]) -> dict[str, Counter[str] | None]:
    """The Parquet files below a table that hold rows of erased users, whether a version has them or not.

    Returns:
        Path below the table -> rows of each user, by digest; None for a file that is not whole.
    """
    held_by = erasure.owner_columns(contract)
    if not held_by or not erased:
        return {}
    store, root = lake.filesystem(uri)
    found: dict[str, Counter[str] | None] = {}
    for info in store.get_file_info(pafs.FileSelector(root, recursive=True, allow_not_found=True)):
        below = info.path[len(root) + 1 :]
        if not info.is_file or not below.endswith(".parquet") or below.startswith("_delta_log/"):
            continue
        try:
            rows = _rows(store, info.path, held_by, erased)
        except (OSError, pa.ArrowException):
            found[below] = None
        else:
            found |= {below: rows} if rows else {}
    return found


def _rows(store: pafs.FileSystem, path: str, held_by: Sequence[str], erased: frozenset[str]) -> Counter[str]:
    rows: Counter[str] = Counter()
    with store.open_input_file(path) as opened:
        file = pq.ParquetFile(opened)
        there = [name for name in held_by if name in file.schema_arrow.names]  # a file may be older than a column
        for batch in file.iter_batches(columns=there):
            rows.update(
                owner for owner in erasure.owner_digests([batch.column(name) for name in there]) if owner in erased
            )
    return rows


def in_landing(spark: "SparkSession", settings: Settings) -> Iterator[Path]:
    """The files of the landing that name an erased user by id, or may.

    What ingest reads is read by the same function; in whatever else lies there, any number that stands alone may be an id.
    """
    for feed in erased_lines.PERSONAL:
        read: set[Path] = set()
        for night in landing.nights(settings.landing, feed):
            where = landing.folder(settings.landing, feed, night)
            read |= {where / name for name in landed_files.files(settings.landing, feed, night)}
            yield from (where / name for name in erased_lines.find(spark, settings, feed, night))
        secret, erased = key(settings), erasure.read(settings)
        for path in sorted((settings.landing / feed).rglob("*")):
            if path.is_file() and not path.is_symlink() and path not in read and _may_name(path, secret, erased):
                yield path


def in_files(settings: Settings, erased: frozenset[str]) -> Iterator[Path]:
    """The files below NIGHTREEL_HOME that name an erased user by pseudonym.

    The files of tables that have a contract are left to `in_table`, those of feeds with users to `in_landing`.
    """
    held = {Path(settings.uri(table)) for table in tables()}
    held_feeds = {settings.landing / feed for feed in erased_lines.PERSONAL}
    for path in sorted(settings.home.rglob("*")):
        is_of_table = path.suffix == ".parquet" and not held.isdisjoint(path.parents)
        if path.is_symlink() or not path.is_file() or is_of_table or not held_feeds.isdisjoint(path.parents):
            continue
        try:
            named = _has_pseudonym(path, erased)
        except FileNotFoundError:
            continue  # somebody else's, and gone again
        except (OSError, EOFError, zlib.error, pa.ArrowException):
            named = True  # what cannot be read is not known to be clean
        if named:
            yield path


def _may_name(path: Path, secret: bytes, erased: frozenset[str]) -> bool:
    try:
        texts = _texts(path)
        found = {int(number) for text in texts for number in _ID.findall(text)}
    except (OSError, EOFError, zlib.error, pa.ArrowException):
        return True
    return any(erasure.digest(pseudonym(number, secret)) in erased for number in found)


def _texts(path: Path) -> Iterator[bytes]:
    if path.suffix == ".parquet":
        yield from (str(row).encode() for batch in pq.ParquetFile(path).iter_batches() for row in batch.to_pylist())
        return
    with _unpacked(path) as file:
        yield from file


def _has_pseudonym(path: Path, erased: frozenset[str]) -> bool:
    if path.suffix == ".parquet":
        columns = (column for batch in pq.ParquetFile(path).iter_batches() for column in batch.columns)
        texts = (str(value).encode() for column in columns if pa.types.is_string(column.type) for value in column)
        return any(erasure.digest(name.decode()) in erased for text in texts for name in _PSEUDONYM.findall(text))
    with _unpacked(path) as file:
        end = b""
        while block := file.read(_BLOCK):
            # The end of the block before may hold the beginning of a pseudonym.
            found = _PSEUDONYM.findall(end + block)
            if any(erasure.digest(text.decode()) in erased for text in found):
                return True
            end = block[-40:]
    return False


def _unpacked(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return cast(BinaryIO, gzip.open(path, "rb")) if packed else path.open("rb")
