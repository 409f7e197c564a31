"""Insert rows into the tables of a lake, with the schemas of the contracts, without Spark."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from jobs.platform import decisions
from jobs.platform.decisions import Decision
from jobs.platform.lake import commit
from schemas.contract import Column, load_contract
from tests import publishing

_EMPTY: dict[str, object] = {
    "string": "",
    "bigint": 0,
    "int": 0,
    "double": 0.0,
    "boolean": False,
    "date": dt.date(2022, 5, 1),
}


def insert_rows(home: Path, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows in one commit."""
    contract = load_contract(table)
    uri = home / "lake" / table.replace(".", "/")
    write_deltalake(str(uri), arrow(table, rows), mode="append", partition_by=list(contract.partitioned_by))


def insert_decisions(home: Path, *record: Decision) -> None:
    """Insert decisions into ops.decisions in one commit."""
    texts = ("kind", "subject", "who", "why", "withdrawn")
    insert_rows(
        home,
        decisions.TABLE,
        [
            {"date": made.night, "made_at": round(made.made_at.timestamp() * 1000)}
            | {name: getattr(made, name) for name in texts}
            for made in record
        ],
    )


def publish_rows(home: Path, table: str, day: dt.date, rows: Sequence[Mapping[str, Any]]) -> None:
    """Publish a day's rows; they replace the day's current rows."""
    contract, uri = load_contract(table), str(home / "lake" / table.replace(".", "/"))
    if not DeltaTable.is_deltatable(uri):
        insert_rows(home, table, [])
    staged = publishing.stage(uri, contract, day, arrow(table, rows))
    commit.commit(uri, contract, staged, commit.token(uri, day), {})


def arrow(table: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows as an Arrow table of this table's schema. Missing values are null, or zero or empty in required columns."""
    contract = load_contract(table)
    columns = {c.name: [row.get(c.name, _missing(c)) for row in rows] for c in contract.columns}
    unknown = {name for row in rows for name in row} - columns.keys()
    assert not unknown, f"{table} has no {unknown}"
    return pa.table(columns, schema=contract.arrow_schema())


def _missing(column: Column) -> object:
    if not column.required:
        return None
    return [] if column.type.startswith(("array<", "map<")) else _EMPTY[column.type]
