"""What a landed file holds: a record a row, each with its fields as texts, or with the reason why it has none."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from jobs.ingest.formats.format import Format

USER_ID = "\0"
"""Stands in the raw text of a record for what tells who the user is."""

ERASED = "erased"
"""The line that is left of a record whose user was erased."""

_NUMBER = re.compile(r"[0-9]+(?:\.0+)?")


class Record(NamedTuple):
    """One row of a file."""

    line: int
    """Where it begins, 1 for the file's first line; in Parquet, which has no lines, its row, 1 for the first."""
    raw: str
    """Its text, with USER_ID for the values of the columns that tell who the user is."""
    fields: Mapping[str, str | None] = MappingProxyType({})
    """Column -> text; of a record with a problem, only what tells who the user is."""
    problem: str | None = None
    """Why the record cannot be read; ERASED for one that was taken out."""
    numbers: tuple[str, ...] = ()
    """The numbers in the text of a record with a problem: any of them may be the user's id."""


def numbers(text: str) -> tuple[str, ...]:
    """The different whole numbers that a text holds."""
    return tuple(dict.fromkeys(_NUMBER.findall(text)))


def records(path: Path, how: Format, user_columns: Collection[str] = ()) -> Iterator[Record]:
    """Read a file to its end, every byte of it checked.

    Args:
        path: of the file.
        how: it is written.
        user_columns: the columns that tell who the user is: their values are left out of the raw texts.

    Raises:
        BadInput: the file as a whole cannot be read: it is damaged, of another format, or has no usable header.
    """
    # Imported late: these modules use what is defined here.
    from jobs.ingest.formats import csv_file, json_lines, parquet_file

    read = {"csv": csv_file.records, "json": json_lines.records, "parquet": parquet_file.records}[how.kind]
    return read(path, how, frozenset(user_columns))


def names(path: Path, how: Format) -> tuple[str, ...] | None:
    """The names of a file's columns, in its order; None for JSON, in which every line has its own.

    Raises:
        BadInput: see `records`.
    """
    from jobs.ingest.formats import csv_file, parquet_file

    if how.kind == "csv":
        return csv_file.names(path, how)
    return parquet_file.names(path) if how.kind == "parquet" else None
