"""Runs one SQL query over the tables of the lake: `make sql Q="select * from gold.recommendations limit 5"`."""

import argparse
import shutil
import sys
from collections.abc import Sequence

import duckdb

from jobs.platform.command import command
from jobs.platform.errors import UsageError
from jobs.platform.settings import settings
from jobs.query.duckdb_views import run_query

_MAX_ROWS = 200
_UNLIMITED_WIDTH = 10_000


def main(argv: Sequence[str] | None = None) -> None:
    """Print the result as a table, of more than 200 rows only the first and last ones. In a terminal, fit its width."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNLIMITED_WIDTH
    with command(argv, __doc__, _arguments) as args:
        result = run_query(settings(), args.query)
        try:
            result.show(max_rows=_MAX_ROWS, max_width=width)
        except duckdb.Error as error:
            raise UsageError(str(error).splitlines()[0]) from error  # the query is executed by `show`


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", help="one query; write tables as layer.table; 'show all tables' lists them")


if __name__ == "__main__":
    main()
