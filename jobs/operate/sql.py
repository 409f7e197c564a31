"""Prints the answer to one SQL query over the tables of the lake: `make sql Q="select * from gold.recommendations limit 5"`."""

import argparse
import shutil
import sys
from collections.abc import Sequence

import duckdb

from jobs.operate.query import ask
from jobs.platform.errors import NightreelError, UsageError
from jobs.platform.settings import settings

_MOST_ROWS = 200
_WIDE = 10_000


def main(argv: Sequence[str] | None = None) -> None:
    """Print the answer as a table; of more than 200 rows the first and last ones. In a terminal it is as wide as that."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("query", help="one query; tables are named layer.table; 'show all tables' lists them")
    query = parser.parse_args(argv).query
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE
    try:
        answer = ask(settings(), query)
        try:
            answer.show(max_rows=_MOST_ROWS, max_width=width)
        except duckdb.Error as error:
            raise UsageError(str(error).splitlines()[0]) from error  # an answer is computed when it is shown
    except NightreelError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main()
