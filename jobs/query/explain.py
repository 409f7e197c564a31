"""Shows where a row comes from, down to the lines of the log: `make explain TABLE=gold.video_features KEY="video_id=7,date=…"`.

For every table on the way it shows the commit that published the row's day (or an earlier day, if the version that was read did
not have that day), the run and code that made it, and the versions of its input tables and model.
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


def find_row(settings: Settings, table: str, key: str) -> dict[str, Any]:
    """Return the one row with this key from the table's current version.

    Args:
        settings: the location of the lake.
        table: layer and name.
        key: e.g. `user_id=0a…,date=2022-05-01,rank=1`; may have any columns, but must have the day.

    Raises:
        UsageError: there is no such table or column, a value does not have its column's type, the day is missing, or several
            rows have the key.
        MissingInput: the lake has no such table, day or row.
        BadInput: a file of the table is gone.
    """
    if table not in tables():
        raise UsageError(f"TABLE={table} is not a table; use one of: {', '.join(tables())}")
    contract = load_contract(table)
    key_values = dict(part.strip().partition("=")[::2] for part in key.split(","))
    if unknown := key_values.keys() - {column.name for column in contract.columns}:
        columns = ", ".join(f"{name}=…" for name in contract.key)
        raise UsageError(f"KEY: {table} has no column {', '.join(sorted(unknown))!r}; give {columns}")
    if contract.day_column not in key_values:
        raise UsageError(f"KEY has no day; add {contract.day_column}=YYYY-MM-DD")
    uri = settings.uri(table)
    version = lake.version(uri)
    if version is None:
        raise MissingInput(table, hint=f"there is no table at {uri}; run a night first")
    rows = lake.arrow(uri, version)
    values = {name: _typed(name, text, rows.schema.field(name).type) for name, text in key_values.items()}
    day = values.pop(contract.day_column).as_py()
    if not lake.has_day(uri, version, contract.day_column, day):
        raise MissingInput(table, day, f"run it first: make backfill FROM={day} TO={day}")
    matching = ds.field(contract.day_column) == day
    for name, value in values.items():
        matching &= ds.field(name) == value
    try:
        selected = rows.to_table(filter=matching)
    except FileNotFoundError as error:
        raise BadInput(f"{table} has lost a file ({error}); list all damage with: make verify") from error
    if not selected.num_rows:
        raise MissingInput(f"{table} has no row with {key}")
    if selected.num_rows > 1:
        missing = [n for n in contract.key if n not in key_values and pc.count_distinct(selected[n]).as_py() > 1]
        raise UsageError(f"{selected.num_rows:,} rows of {table} have {key}; give {' and '.join(missing)} too")
    (row,) = selected.to_pylist()
    return dict(row)


def _typed(name: str, text: str, kind: pa.DataType) -> pa.Scalar:
    try:
        return pa.scalar(text).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise UsageError(f"KEY: {name}={text} is not a valid {kind}") from None


def draw(node: Node) -> Iterator[str]:
    """Yield the lines of a tree, drawn with box characters."""
    yield node.lines[0]
    stem = "│  " if node.children else "   "
    yield from (stem + line for line in node.lines[1:])
    for number, child in enumerate(node.children, 1):
        last = number == len(node.children)
        first, *others = draw(child)
        yield ("└─ " if last else "├─ ") + first
        yield from (("   " if last else "│  ") + line for line in others)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tree."""
    with command(argv, __doc__, _arguments) as args:
        row = find_row(settings(), args.table, args.key)
        for line in draw(provenance(settings(), args.table, row)):
            print(line)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", required=True, help="layer and name")
    parser.add_argument("--key", required=True, help="columns and values of one row: user_id=…,date=YYYY-MM-DD")


if __name__ == "__main__":
    main()
