"""Row count, version and content hash of a night in each table, from the tables' logs; no row is read."""

import datetime as dt
from dataclasses import dataclass

from jobs.platform import lake
from jobs.platform.lake.content_hash import NO_ROWS
from jobs.platform.settings import Settings
from schemas.contract import load_contract


@dataclass(frozen=True)
class TableDay:
    """One table and its rows of one day."""

    table: str
    rows: int
    """Number of the day's rows, as published."""
    total: int
    """Number of rows of all days."""
    version: int
    digest: str
    """Content hash of the day's rows without volatile columns."""


def table_days(settings: Settings, date: dt.date) -> list[TableDay]:
    """Return all tables of the lake in alphabetical order, including tables without rows of the day."""
    return [_table_day(settings, table, version, date) for table, version in lake.tables(settings).items()]


def _table_day(settings: Settings, table: str, version: int, date: dt.date) -> TableDay:
    uri = settings.uri(table)
    total = sum(file.rows for file in lake.files(uri, load_contract(table)))
    published = lake.latest(uri).get(date)
    rows, digest = (published.rows, published.content) if published else (0, NO_ROWS)
    return TableDay(table, rows, total, version, digest)
