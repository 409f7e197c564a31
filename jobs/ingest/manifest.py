"""The manifest of a night's folder: how many records each file has, and its digest.

The check of the landing reads every byte, and keeps what it counted. So a night's files are read twice: when they land, and when
they are ingested. Ingest refuses a file that has changed in between.
"""

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from io import BufferedReader
from typing import TYPE_CHECKING, cast

from infra import durable
from infra.storage import Location, entries
from jobs.ingest.feeds import BEHAVIOR_LOGS, CAMPAIGNS, OPTIONAL, RECONCILED
from jobs.ingest.formats import ERASED, Format, records
from jobs.ingest.landed_files import files, is_hidden, mapping, no_row
from jobs.ingest.landing import MANIFEST, content, folder, is_complete
from jobs.platform.errors import BadInput
from jobs.platform.spark_errors import convert_spark_errors

if TYPE_CHECKING:
    import pyarrow as pa

_LARGEST_IN_PROCESS = 64 << 20
"""Bytes of a feed's files that one process reads. Larger feeds are read by Spark, one task per file."""


@dataclass(frozen=True)
class LandedFile:
    """What a file contains."""

    records: int
    """All records, including erased ones."""
    erased: int
    """Records of erased users."""
    sha256: str

    @property
    def rows(self) -> int:
        """Records that are ingested."""
        return self.records - self.erased


def check(landing: Location, date: dt.date, may_be_empty: bool = False) -> dict[str, dict[str, LandedFile]]:
    """Check that a night's landing is complete and readable, before anything is written from it, and write its manifests.

    Every byte is read, with the same function as in ingest.

    Args:
        landing: the landing.
        date: the night.
        may_be_empty: True if the log may have no row.

    Returns:
        Feed -> name -> file, without optional feeds that have not landed.

    Raises:
        MissingInput: the folder of a feed does not exist or is not complete.
        BadInput: a folder contains no file or an unexpected one; a file is damaged or lacks a column; a feed has no row.
    """
    night = {}
    for feed in RECONCILED:
        if not (landed := write(landing, feed, date)):
            continue  # an optional feed
        night[feed] = landed
        has_row = any(file.rows for file in landed.values())
        if not has_row and feed not in (CAMPAIGNS, *OPTIONAL) and not (may_be_empty and feed == BEHAVIOR_LOGS):
            raise BadInput(no_row(landing, feed, date))
    return night


def write(landing: Location, feed: str, date: dt.date) -> dict[str, LandedFile]:
    """Read a night's files completely, and write the manifest of their folder, if there is one. See `check`."""
    manifest = _inspect(files(landing, feed, date), mapping(landing, feed, date).format)
    if not manifest:
        return manifest
    text = json.dumps({name: asdict(file) for name, file in manifest.items()}, indent=1)
    durable.write(content(folder(landing, feed, date)) / MANIFEST, text.encode())
    return manifest


def read(landing: Location, feed: str, date: dt.date) -> dict[str, LandedFile]:
    """Return the manifest of a night's folder. Write it if the night landed before manifests existed.

    Raises:
        MissingInput, BadInput: see `check`.
    """
    path = content(folder(landing, feed, date)) / MANIFEST
    if not path.exists():
        return write(landing, feed, date)
    manifest = _parse(path)
    if (current := files(landing, feed, date).keys()) != manifest.keys():
        changed = ", ".join(sorted(current ^ manifest.keys()))
        raise BadInput(
            f"{path.parent} has other files than when it landed ({changed}); run the night again from ingest.land"
        )
    return manifest


def digest(landing: Location, feed: str, date: dt.date, manifest: Mapping[str, LandedFile] | None = None) -> str:
    """Return 16 hex digits of SHA-256 over the names and bytes of a night's files; empty if the night is not complete.

    Args:
        landing: the landing.
        feed: the feed.
        date: the night.
        manifest: the digests of the feed's files, if they need not be read again.
    """
    if not is_complete(landing, feed, date):
        return ""
    night = folder(landing, feed, date)
    current = content(night)
    # In an object store, each of our writes has its own folder, so its files never change.
    if manifest is None and current != night and (current / MANIFEST).exists():
        manifest = _parse(current / MANIFEST)
    sha = hashlib.sha256()
    for path in entries(current):
        if path.is_file() and not is_hidden(path) and path.name != MANIFEST:
            known = (manifest or {}).get(path.name)
            sha.update(f"{path.name}\0{known.sha256 if known else sha256(path)}\n".encode())
    return sha.hexdigest()[:16]


def _parse(path: Location) -> dict[str, LandedFile]:
    return {name: LandedFile(**file) for name, file in json.loads(path.read_text(encoding="utf-8")).items()}


def sha256(path: Location) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(cast(BufferedReader, file), "sha256").hexdigest()


def _inspect(paths: Mapping[str, Location], file_format: Format) -> dict[str, LandedFile]:
    if sum(path.stat().st_size for path in paths.values()) <= _LARGEST_IN_PROCESS:
        return {name: _inspect_file(path, file_format) for name, path in paths.items()}
    import pyarrow as pa  # pyarrow and pyspark take long to import, and most nights do not need them here

    from jobs.ingest.map_files import map_files
    from jobs.platform.spark import session

    schema = pa.schema(
        [("name", pa.string()), ("records", pa.int64()), ("erased", pa.int64()), ("sha256", pa.string())]
    )

    def inspect(name: str, path: Location) -> "Iterator[pa.RecordBatch]":
        yield pa.RecordBatch.from_pylist([{"name": name, **asdict(_inspect_file(path, file_format))}], schema)

    with convert_spark_errors("the landing"):
        rows = map_files(session(), paths, inspect, schema).collect()
    return {row.name: LandedFile(row.records, row.erased, row.sha256) for row in sorted(rows)}


def _inspect_file(path: Location, file_format: Format) -> LandedFile:
    is_erased = Counter(record.problem == ERASED for record in records(path, file_format))
    return LandedFile(is_erased.total(), is_erased[True], sha256(path))
