"""What each table holds of a night: rows, version and a hash of the content, read without Spark."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable

from jobs.operate.query import tables
from jobs.platform import lakehouse
from jobs.platform.content_hash import content_hash
from jobs.platform.settings import Settings
from schemas.contract import contract


@dataclass(frozen=True)
class TableDay:
    """One table and its rows of one day."""

    table: str
    rows: int
    """Of the day."""
    total: int
    """Of all days, by the table's log."""
    version: int
    digest: str
    """Content hash of the day's rows: all columns but the volatile ones."""


def table_days(settings: Settings, date: dt.date) -> list[TableDay]:
    """All tables of the lake, in alphabetical order; those without rows of the day as well."""
    return [_table_day(settings, table, version, date) for table, version in tables(settings).items()]


def _table_day(settings: Settings, table: str, version: int, date: dt.date) -> TableDay:
    agreed = contract(table)
    at = settings.uri(table)
    found = lakehouse.arrow(at, version)
    scanner = found.scanner(columns=agreed.stable(found.schema.names), filter=ds.field(agreed.day_column) == date)
    rows = 0

    def counted() -> Iterator[pa.RecordBatch]:
        nonlocal rows
        for batch in scanner.to_batches():
            rows += batch.num_rows
            yield batch

    digest = content_hash(counted())
    files = DeltaTable(at, version=version).get_add_actions(flatten=True)
    return TableDay(table, rows, sum(files["num_records"].to_pylist()), version, digest)
