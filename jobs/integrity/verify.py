"""Reads every file of the lake's tables and holds each against the log and against what was published: `make verify`.

A table's log is compared with its receipts, a file's bytes with the SHA-256 that its commit recorded, and where a day lies in
other files than were published, its rows with their content hash. Damage is listed, a line a file or day; nothing is changed,
which is what `make restore` is for. Commits of others are listed as well, with what became of the days that they touched: rows
that were only laid anew (OPTIMIZE) are no damage.
"""

import argparse
from collections.abc import Sequence

from tqdm import tqdm

from jobs.platform.command import command, day_or_none
from jobs.platform.errors import BadInput, UsageError
from jobs.platform.lake.verify import describe_foreign_commits, verify
from jobs.platform.settings import settings
from schemas.contract import tables


def chosen(table: str) -> list[str]:
    """The table of this name, or all where it is empty.

    Raises:
        UsageError: there is no such table.
    """
    if table and table not in tables():
        raise UsageError(f"TABLE={table} is no table; there are: {', '.join(tables())}")
    return [table] if table else list(tables())


def main(argv: Sequence[str] | None = None) -> None:
    """List the damage and the commits of others; exit code 65 where there is any."""
    damaged = 0
    with command(argv, __doc__, _arguments) as args:
        for table in chosen(args.table):
            found = []
            for damage in verify(settings(), table, args.day):
                found.append(damage)
                tqdm.write(str(damage))
            for line in describe_foreign_commits(settings(), table, found, args.day):
                tqdm.write(line)
            damaged += len(found)
        if damaged:
            raise BadInput(f"damaged in {damaged} places; make restore goes back to the last good version of them")
        print("all that was published is there")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", default="", help="layer and name; all unless given")
    parser.add_argument("--day", type=day_or_none, help="only this day; all unless given")


if __name__ == "__main__":
    main()
