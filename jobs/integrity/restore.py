"""Repairs the damage that `make verify` finds: `make restore`.

Commits are restored from their backups, and damaged checkpoints are deleted. A table whose schema, properties or protocol were
changed by a foreign commit gets its own back. A day with damaged files or changed rows returns to its last publication with
undamaged files. Schema and days are restored by new commits, so foreign changes stay readable in older versions. Days whose rows
were only moved to other files (OPTIMIZE) stay as they are. A day without an undamaged publication is reported: its night has to
be rerun.
"""

import argparse
import sys
from collections.abc import Sequence

from jobs.integrity.verify import selected_tables
from jobs.platform.command import command
from jobs.platform.errors import BadInput
from jobs.platform.lake.restore import restore
from jobs.platform.run import code_version, run_id
from jobs.platform.settings import settings


def main(argv: Sequence[str] | None = None) -> None:
    """Restore one table or all."""
    failed = False
    with command(argv, __doc__, _arguments) as args:
        for table in selected_tables(args.table):
            try:
                for line in restore(settings(), table, {"run": run_id(), "code": code_version()}):
                    print(line, flush=True)
            except BadInput as error:
                print(f"error: {error}", file=sys.stderr)
                failed = True  # still restore the other tables
    if failed:
        raise SystemExit(BadInput.exit_code)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", default="", help="layer and name (default: all tables)")


if __name__ == "__main__":
    main()
