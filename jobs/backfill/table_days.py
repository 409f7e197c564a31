"""What each table holds of a night: rows, version and a hash of the content, by its log; no row is read."""

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
    """Of the day, as it was published."""
    total: int
    """Of all days."""
    version: int
    digest: str
    """Content hash of the day's rows: all columns but the volatile ones."""


def table_days(settings: Settings, date: dt.date) -> list[TableDay]:
    """All tables of the lake, in alphabetical order; those without rows of the day as well."""
    return [_table_day(settings, table, version, date) for table, version in lake.tables(settings).items()]


def _table_day(settings: Settings, table: str, version: int, date: dt.date) -> TableDay:
    uri = settings.uri(table)
    total = sum(file.rows for file in lake.files(uri, load_contract(table)))
    published = lake.latest(uri).get(date)
    rows, digest = (published.rows, published.content) if published else (0, NO_ROWS)
    return TableDay(table, rows, total, version, digest)
