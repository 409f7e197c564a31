"""A text table with one word for each table and night: tables in rows, nights in columns."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from jobs.report.summary import align_columns

_NIGHTS_PER_BLOCK = 6


def table_text(
    nights: Sequence[dt.date], tables: Sequence[str], words: Mapping[tuple[dt.date, str], str]
) -> Iterator[str]:
    """Yield the lines of the table, at most 100 columns wide for words of up to nine letters.

    Args:
        nights: in order; six nights per block, the blocks one below the other.
        tables: in order.
        words: by night and table; a missing word is shown as a dash.
    """
    for start in range(0, len(nights), _NIGHTS_PER_BLOCK):
        shown = nights[start : start + _NIGHTS_PER_BLOCK]
        lines = [(table, *(words.get((night, table), "-") for night in shown)) for table in tables]
        yield from align_columns([("", *map(str, shown)), *lines])
