"""Tells where a row comes from, down to the lines of the log: `make explain TABLE=gold.video_features KEY="video_id=7,date=…"`.

What is shown of every table on the way is the commit that published the row's day in it (or a day before, where the version
that was read had none of the day), the run and the code that made it, and the versions of tables and model that went in.
"""

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from jobs.platform import lake
from jobs.platform.command import command
from jobs.platform.errors import BadInput, MissingInput, UsageError
from jobs.platform.settings import Settings, settings
from jobs.query.provenance import Node, provenance
from schemas.contract import load_contract, tables


def find(settings: Settings, table: str, key: str) -> dict[str, Any]:
    """The one row that a key names, as the table has it now.

    Args:
        settings: name the lake.
        table: layer and name.
        key: e.g. `user_id=0a…,date=2022-05-01,rank=1`; any columns may be named, the day always.

    Raises:
        UsageError: there is no such table or column, a value is not of its column's type, no day is named, or several rows
            have the key.
        MissingInput: the lake has no such table, day or row.
        BadInput: a file of the table is gone.
    """
    if table not in tables():
        raise UsageError(f"TABLE={table} is no table; there are: {', '.join(tables())}")
    contract = load_contract(table)
    wanted = dict(part.strip().partition("=")[::2] for part in key.split(","))
    if unknown := wanted.keys() - {column.name for column in contract.columns}:
        named = ", ".join(f"{name}=…" for name in contract.key)
        raise UsageError(f"KEY: {table} has no column {', '.join(sorted(unknown))!r}; a row is named by {named}")
    if contract.day_column not in wanted:
        raise UsageError(f"KEY names no day; add {contract.day_column}=YYYY-MM-DD")
    at = settings.uri(table)
    version = lake.version(at)
    if version is None:
        raise MissingInput(table, hint=f"there is no such table at {at}; run a night first")
    rows = lake.arrow(at, version)
    values = {name: _typed(name, text, rows.schema.field(name).type) for name, text in wanted.items()}
    day = values.pop(contract.day_column).as_py()
    if not lake.has_day(at, version, contract.day_column, day):
        raise MissingInput(table, day, f"run it first: make backfill FROM={day} TO={day}")
    matching = ds.field(contract.day_column) == day
    for name, value in values.items():
        matching &= ds.field(name) == value
    try:
        found = rows.to_table(filter=matching)
    except FileNotFoundError as error:
        raise BadInput(f"{table} has lost a file ({error}); see what is damaged with: make verify") from error
    if not found.num_rows:
        raise MissingInput(f"{table} has no row with {key}")
    if found.num_rows > 1:
        more = [name for name in contract.key if name not in wanted and pc.count_distinct(found[name]).as_py() > 1]
        raise UsageError(f"{found.num_rows:,} rows of {table} have {key}; name {' and '.join(more)} as well")
    (row,) = found.to_pylist()
    return dict(row)


def _typed(name: str, text: str, kind: pa.DataType) -> pa.Scalar:
    try:
        return pa.scalar(text).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise UsageError(f"KEY: {name}={text} is no {kind}") from None


def drawn(node: Node) -> Iterator[str]:
    """A tree as lines of text, each branch under its own stem."""
    yield node.lines[0]
    stem = "│  " if node.below else "   "
    yield from (stem + line for line in node.lines[1:])
    for place, branch in enumerate(node.below, 1):
        last = place == len(node.below)
        first, *others = drawn(branch)
        yield ("└─ " if last else "├─ ") + first
        yield from (("   " if last else "│  ") + line for line in others)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tree."""
    with command(argv, __doc__, _arguments) as args:
        row = find(settings(), args.table, args.key)
        for line in drawn(provenance(settings(), args.table, row)):
            print(line)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", required=True, help="layer and name")
    parser.add_argument("--key", required=True, help="columns and values of one row: user_id=…,date=YYYY-MM-DD")


if __name__ == "__main__":
    main()
