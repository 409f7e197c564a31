"""Reads every file of the lake's tables and holds each against the log and against what was published: `make verify`.

A table's log is compared with its receipts, a file's bytes with the SHA-256 that its commit recorded, a day's rows with their
content hash. Damage is listed, a line a file or day; nothing is changed, which is what `make restore` is for.
"""

import argparse
import datetime as dt
import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from tqdm import tqdm

from jobs.platform import durable, receipts, staging
from jobs.platform.errors import BadInput, NightreelError, UsageError
from jobs.platform.job import day as read_day
from jobs.platform.publications import Publication, latest
from jobs.platform.settings import Settings, settings
from schemas.contract import contract, tables


@dataclass(frozen=True)
class Damage:
    """One thing that is not as it was published."""

    table: str
    day: dt.date | None
    """None where it is the table's log."""
    what: str

    def __str__(self) -> str:
        return f"{self.table}{f' {self.day}' if self.day else ''}: {self.what}"


def verify(settings: Settings, table: str, day: dt.date | None = None) -> Iterator[Damage]:
    """What is damaged of a table, or of one day of it; nothing where there is no such table."""
    uri = settings.uri(table)
    where = durable.local(uri)
    found = receipts.damage(where) if where else []
    yield from (Damage(table, None, what) for what in found)
    if found:
        return  # which files the table has cannot be known before its log is put back
    try:
        current = DeltaTable(uri)
    except DeltaError as error:
        if where is None or (where / "_delta_log").exists():
            yield Damage(table, None, f"its log cannot be read: {error}")
        return
    listed = pa.table(current.get_add_actions(flatten=True)).select(["path", "size_bytes"]).to_pylist()
    sizes = {row["path"]: row["size_bytes"] for row in listed}
    published = latest(current)
    known = {path for publication in published.values() for path in publication.files}
    if day is None:
        yield from (
            Damage(table, None, f"{path} is in the log, but nobody published it") for path in sizes.keys() - known
        )
    for publication in tqdm(published.values(), desc=table, unit="day", leave=False, disable=None):
        if day in (None, publication.day):
            yield from verify_day(current, uri, table, publication, sizes)


def verify_day(
    current: DeltaTable, uri: str, table: str, publication: Publication, sizes: dict[str, int]
) -> Iterator[Damage]:
    """What is damaged of a day, read to its last byte.

    Args:
        current: the table.
        uri: where it lies.
        table: layer and name.
        publication: what the day should hold.
        sizes: path below the table -> bytes, by the log, of all its files.
    """
    broken = [damage for path in publication.files if (damage := _file(uri, publication, path, sizes.get(path)))]
    yield from (Damage(table, publication.day, what) for what in broken)
    if broken:
        return
    try:
        agreed = contract(table)
        store, root = staging.filesystem(uri)
        files = tuple(staging.data_file(store, root, f"{root}/{path}") for path in publication.files)
        rows, content = staging.hashed(store, root, files, agreed, pa.schema(current.schema()))
    except (OSError, pa.ArrowException) as error:
        yield Damage(table, publication.day, f"cannot be read: {error}")
        return
    if (rows, content) != (publication.rows, publication.content):
        yield Damage(
            table,
            publication.day,
            f"holds {rows} rows with content hash {content}, published were {publication.rows} with {publication.content}",
        )


def _file(uri: str, publication: Publication, path: str, size: int | None) -> str | None:
    store, root = staging.filesystem(uri)
    if size is None:
        return f"{path} is not in the log"
    info = store.get_file_info(f"{root}/{path}")
    if not info.is_file:
        return f"{uri}/{path} is missing"
    if info.size != size:
        return f"{uri}/{path} has {info.size} bytes, not {size}"
    with store.open_input_file(f"{root}/{path}") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return None if digest == publication.files[path] else f"{uri}/{path} is not what was written (SHA-256)"


def chosen(table: str) -> list[str]:
    """The table of this name, or all where it is empty.

    Raises:
        UsageError: there is no such table.
    """
    if table and table not in tables():
        raise UsageError(f"TABLE={table} is no table; there are: {', '.join(tables())}")
    return [table] if table else tables()


def main(argv: Sequence[str] | None = None) -> None:
    """List the damage; exit code 65 where there is any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default="", help="layer and name; all unless given")
    parser.add_argument("--day", type=lambda text: read_day(text) if text else None, default=None)
    args = parser.parse_args(argv)
    damaged = 0
    try:
        for table in chosen(args.table):
            for damage in verify(settings(), table, args.day):
                damaged += 1
                tqdm.write(str(damage))
        if damaged:
            raise BadInput(f"damaged in {damaged} places; make restore goes back to the last good version of them")
        print("all that was published is there, as it was written")
    except NightreelError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main()
