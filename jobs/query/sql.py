"""Prints the answer to one SQL query over the tables of the lake: `make sql Q="select * from gold.recommendations limit 5"`."""

import argparse
import shutil
import sys
from collections.abc import Sequence

import duckdb

from jobs.platform.command import command
from jobs.platform.errors import UsageError
from jobs.platform.settings import settings
from jobs.query.duckdb_views import ask

_MOST_ROWS = 200
_WIDE = 10_000


def main(argv: Sequence[str] | None = None) -> None:
    """Print the answer as a table; of more than 200 rows the first and last ones. In a terminal it is as wide as that."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE
    with command(argv, __doc__, _arguments) as args:
        answer = ask(settings(), args.query)
        try:
            answer.show(max_rows=_MOST_ROWS, max_width=width)
        except duckdb.Error as error:
            raise UsageError(str(error).splitlines()[0]) from error  # an answer is computed when it is shown


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", help="one query; tables are named layer.table; 'show all tables' lists them")


if __name__ == "__main__":
    main()
