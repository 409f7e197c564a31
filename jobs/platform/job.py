"""The command line that all jobs share: `--date`, logging, and errors as one line and an exit code."""

import argparse
import datetime as dt
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from textwrap import shorten
from typing import NoReturn

from jobs.platform import admission
from jobs.platform.errors import NightreelError, UsageError
from jobs.platform.night import Night
from jobs.platform.settings import settings
from schemas.days import YESTERDAY, read_day, read_night


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(UsageError.exit_code, f"error: {message}\n")


@contextmanager
def job(
    argv: Sequence[str] | None,
    description: str | None,
    extra: Callable[[argparse.ArgumentParser], object] = lambda parser: None,
    *,
    writes: str | None = None,
    trains: str | None = None,
) -> Iterator[Night]:
    """Run the body of a job for the night that `--date` names, if this machine may work on the lake.

    A NightreelError ends the process with one line on stderr and the error's exit code; any other error keeps its traceback.

    Args:
        argv: the arguments, those of the process where None.
        description: the job's docstring, for `--help`.
        extra: adds the job's own arguments to the parser.
        writes: the table that the job writes, if it writes one.
        trains: the model that the job trains or promotes, if it does.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    parser = _Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--date", required=True, help=f"the night, as YYYY-MM-DD; or {YESTERDAY}, in the lake's zone")
    extra(parser)
    args = parser.parse_args(argv)
    try:
        known = settings()
        admission.check(known)
        night = Night(_night(args.date, known.timezone), known, args, writes=writes, trains=trains)
        yield night
    except NightreelError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from error
    except Exception as error:
        # The last line that is printed is what Airflow shows: Spark's message ends in a Java stack.
        error.add_note(f"error: {type(error).__name__}: {shorten(str(error), 300, placeholder=' …')}")
        raise
    if "spark" in vars(night) and os.environ.get("SPARK_REMOTE"):
        night.spark.stop()  # frees what the server holds for this process


def day(text: str) -> dt.date:
    """Read a day written as YYYY-MM-DD, for argparse."""
    try:
        return read_day(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _night(text: str, zone: dt.tzinfo) -> dt.date:
    try:
        return read_night(text, dt.datetime.now(dt.UTC), zone)
    except ValueError as error:
        raise UsageError(str(error)) from None
