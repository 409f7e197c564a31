"""A text table of one word for each table and night: tables in rows, nights in columns."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from jobs.report.summary import aligned

_SIDE_BY_SIDE = 6


def table_text(
    nights: Sequence[dt.date], tables: Sequence[str], words: Mapping[tuple[dt.date, str], str]
) -> Iterator[str]:
    """The lines of the table, at most 100 columns wide for words of up to nine letters.

    Args:
        nights: in order; what does not fit side by side goes below.
        tables: in order.
        words: by night and table; where there is none, a dash is shown.
    """
    for start in range(0, len(nights), _SIDE_BY_SIDE):
        shown = nights[start : start + _SIDE_BY_SIDE]
        lines = [(table, *(words.get((night, table), "-") for night in shown)) for table in tables]
        yield from aligned([("", *map(str, shown)), *lines])
