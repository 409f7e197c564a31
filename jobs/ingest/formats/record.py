"""The rows of a landed file as records: each has its fields as strings, or the reason why it cannot be read."""

import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from infra.storage import Location
from jobs.ingest.formats.format import Format

USER_ID = "\0"
"""Placeholder in the raw text of a record for values that identify the user."""

ERASED = "erased"
"""The line that replaces the record of an erased user."""

_NUMBER = re.compile(r"[0-9]+(?:\.0+)?")


class Record(NamedTuple):
    """One row of a file."""

    line: int
    """Number of its first line, starting at 1; in Parquet, the number of the row, starting at 1."""
    raw: str
    """Its text, with USER_ID instead of the values of the user columns."""
    fields: Mapping[str, str | None] = MappingProxyType({})
    """Column -> string; for a record with a problem only the user columns."""
    problem: str | None = None
    """Why the record cannot be read; ERASED if it was erased. The texts are stored in bronze and quarantine, so keep them."""
    numbers: tuple[str, ...] = ()
    """The numbers in the text of a record with a problem. Any of them may be the user's id."""


def numbers(text: str) -> tuple[str, ...]:
    """Return the distinct whole numbers in a text."""
    return tuple(dict.fromkeys(_NUMBER.findall(text)))


def records(path: Location, how: Format, user_columns: Collection[str] = ()) -> Iterator[Record]:
    """Read a file to its end and check every byte.

    Args:
        path: the file.
        how: its format.
        user_columns: the columns that identify the user; their values are left out of the raw texts.

    Raises:
        BadInput: the file cannot be read at all: it is damaged, has another format, or has no valid header.
    """
    # Local import to avoid a cycle: these modules import this one.
    from jobs.ingest.formats import csv_file, json_lines, parquet_file

    read = {"csv": csv_file.records, "json": json_lines.records, "parquet": parquet_file.records}[how.kind]
    return read(path, how, frozenset(user_columns))


def names(path: Location, how: Format) -> tuple[str, ...] | None:
    """Return a file's column names in order; None for JSON, where every line has its own names.

    Raises:
        BadInput: see `records`.
    """
    from jobs.ingest.formats import csv_file, parquet_file

    if how.kind == "csv":
        return csv_file.names(path, how)
    return parquet_file.names(path) if how.kind == "parquet" else None
