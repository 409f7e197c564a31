"""Lays rows into tables of a lake as the contracts have them, without Spark."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from jobs.platform import decisions, publish
from jobs.platform.decisions import Decision
from schemas.contract import Column, contract
from tests import publishing

_ARROW: dict[str, tuple[pa.DataType, object]] = {
    "string": (pa.string(), ""),
    "bigint": (pa.int64(), 0),
    "int": (pa.int32(), 0),
    "double": (pa.float64(), 0.0),
    "boolean": (pa.bool_(), False),
    "date": (pa.date32(), dt.date(2022, 5, 1)),
    "array<string>": (pa.list_(pa.string()), []),
    "array<bigint>": (pa.list_(pa.int64()), []),
    "map<int,bigint>": (pa.map_(pa.int32(), pa.int64()), {}),
    "map<string,double>": (pa.map_(pa.string(), pa.float64()), {}),
}


def lay(home: Path, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows in one commit."""
    agreed = contract(table)
    uri = home / "lake" / table.replace(".", "/")
    write_deltalake(str(uri), arrow(table, rows), mode="append", partition_by=list(agreed.partitioned_by))


def lay_decisions(home: Path, *record: Decision) -> None:
    """Put decisions on record in one commit."""
    texts = ("kind", "subject", "who", "why", "withdrawn")
    lay(
        home,
        decisions.TABLE,
        [
            {"date": made.night, "made_at": round(made.made_at.timestamp() * 1000)}
            | {name: getattr(made, name) for name in texts}
            for made in record
        ],
    )


def publish_rows(home: Path, table: str, day: dt.date, rows: Sequence[Mapping[str, Any]]) -> None:
    """Publish a day's rows in place of those that it has."""
    agreed, uri = contract(table), str(home / "lake" / table.replace(".", "/"))
    if not DeltaTable.is_deltatable(uri):
        lay(home, table, [])
    staged = publishing.stage(uri, agreed, day, arrow(table, rows))
    publish.commit(uri, agreed, staged, publish.token(uri, day), {})


def arrow(table: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of a table; a column that a row does not give is null, or zero or empty where the contract requires it."""
    agreed = contract(table)
    schema = pa.schema([pa.field(c.name, _ARROW[c.type][0], nullable=not c.required) for c in agreed.columns])
    columns = {c.name: [row.get(c.name, _missing(c)) for row in rows] for c in agreed.columns}
    unknown = {name for row in rows for name in row} - columns.keys()
    assert not unknown, f"{table} has no {unknown}"
    return pa.table(columns, schema=schema)


def _missing(column: Column) -> object:
    return _ARROW[column.type][1] if column.required else None
