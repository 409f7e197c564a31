"""Puts back what `make verify` finds damaged: `make restore`.

A commit is put back from its receipt, a damaged checkpoint is taken away, a table that somebody gave another shape gets back its
own, and a day with damaged files, or with rows that somebody changed, goes back to its last publication whose files are all
sound. Each of these is a new commit: what others wrote stays in the older versions. A day whose rows were only laid anew
(OPTIMIZE) is left alone. A day of which there is no sound publication is named: its night has to be run again.
"""

import argparse
import sys
from collections.abc import Sequence

from jobs.integrity.verify import chosen
from jobs.platform.command import command
from jobs.platform.errors import BadInput
from jobs.platform.lake.restore import restore
from jobs.platform.run import code_version, run_id
from jobs.platform.settings import settings


def main(argv: Sequence[str] | None = None) -> None:
    """Restore one table or all."""
    failed = False
    with command(argv, __doc__, _arguments) as args:
        for table in chosen(args.table):
            try:
                for line in restore(settings(), table, {"run": run_id(), "code": code_version()}):
                    print(line, flush=True)
            except BadInput as error:
                print(f"error: {error}", file=sys.stderr)
                failed = True  # the other tables are restored all the same
    if failed:
        raise SystemExit(BadInput.exit_code)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", default="", help="layer and name; all unless given")


if __name__ == "__main__":
    main()
