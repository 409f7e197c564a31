"""Reads all files of the lake's tables and compares them with the logs and with what was published: `make verify`.

A table's log is compared with the backups of its commits, and a file's bytes with the SHA-256 recorded in its commit. If a day
is in other files than were published, its rows are compared by their content hash. Damage is listed, one line per file or day.
Nothing is changed; `make restore` repairs the damage. Foreign commits are listed too, with the state of the days that they
touched: rows that were only moved to other files (OPTIMIZE) are not damaged.

The generated videos belong to gold.generated_videos: each mp4 is compared with its digests and its manifest, see `videos.py`.
"""

import argparse
from collections.abc import Sequence

from tqdm import tqdm

from jobs.integrity.videos import TABLE, verify_videos
from jobs.platform.command import command, day_or_none
from jobs.platform.errors import BadInput, UsageError
from jobs.platform.lake.verify import Damage, describe_foreign_commits, verify
from jobs.platform.settings import settings
from schemas.contract import tables


def selected_tables(table: str) -> list[str]:
    """Return the table of this name, or all tables if it is empty.

    Raises:
        UsageError: there is no such table.
    """
    if table and table not in tables():
        raise UsageError(f"TABLE={table} is not a table; use one of: {', '.join(tables())}")
    return [table] if table else list(tables())


def main(argv: Sequence[str] | None = None) -> None:
    """List the damage and the foreign commits. The exit code is 65 if there is damage."""
    total = 0
    with command(argv, __doc__, _arguments) as args:
        for table in selected_tables(args.table):
            damaged: list[Damage] = []
            for damage in verify(settings(), table, args.day):
                damaged.append(damage)
                tqdm.write(str(damage))
            for line in describe_foreign_commits(settings(), table, damaged, args.day):
                tqdm.write(line)
            total += len(damaged)
        videos = 0
        if args.table in ("", TABLE):
            verified = verify_videos(settings(), args.day)
            videos = len(verified.damaged)
            for text in (*map(str, verified.damaged), *verified.notes):
                tqdm.write(text)
        if total or videos:
            advice = ["run make restore to return to the last undamaged publications"] * (total > 0)
            advice += ["rerun the nights of the damaged videos, which makes them again: make backfill"] * (videos > 0)
            raise BadInput(f"damage in {total + videos} places; {'; '.join(advice)}")
        print("all that was published is intact")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", default="", help="layer and name (default: all tables)")
    parser.add_argument("--day", type=day_or_none, help="only this day (default: all days)")


if __name__ == "__main__":
    main()
