"""What each table holds of a night: rows, version and a hash of the content, by its log; no row is read."""

import datetime as dt
from dataclasses import dataclass

from deltalake import DeltaTable

from jobs.operate.query import tables
from jobs.platform.content_hash import NO_ROWS
from jobs.platform.publications import latest
from jobs.platform.settings import Settings


@dataclass(frozen=True)
class TableDay:
    """One table and its rows of one day."""

    table: str
    rows: int
    """Of the day, as it was published."""
    total: int
    """Of all days."""
    version: int
    digest: str
    """Content hash of the day's rows: all columns but the volatile ones."""


def table_days(settings: Settings, date: dt.date) -> list[TableDay]:
    """All tables of the lake, in alphabetical order; those without rows of the day as well."""
    return [_table_day(settings, table, date) for table in tables(settings)]


def _table_day(settings: Settings, table: str, date: dt.date) -> TableDay:
    current = DeltaTable(settings.uri(table))
    total = sum(current.get_add_actions(flatten=True)["num_records"].to_pylist())
    published = latest(current).get(date)
    rows, digest = (published.rows, published.content) if published else (0, NO_ROWS)
    return TableDay(table, rows, total, current.version(), digest)
