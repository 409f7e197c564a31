"""The frame of all commands: parses their arguments, and turns errors into one line and an exit code."""

import argparse
import datetime as dt
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from jobs.platform.errors import NightreelError, UsageError
from jobs.platform.store_errors import access_refused, with_store
from schemas.days import read_day

_LONGEST_MESSAGE = 600


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(UsageError.exit_code, f"error: {message}\n")


@contextmanager
def command(
    argv: Sequence[str] | None,
    description: str | None,
    arguments: Callable[[argparse.ArgumentParser], object] = lambda parser: None,
) -> Iterator[argparse.Namespace]:
    """Run the body of a command with its arguments.

    A NightreelError ends the process with one line on stderr and the error's exit code, and so does an object store that refuses
    the credentials (`AccessRefused`). Other errors keep their traceback.

    Args:
        argv: the arguments; if None, those of the process.
        description: the command's docstring, for `--help`.
        arguments: adds the command's arguments to the parser.
    """
    parser = _Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments(parser)
    args = parser.parse_args(argv)
    try:
        yield args
    except Exception as error:
        expected = access_refused(error) or error
        if isinstance(expected, NightreelError):
            print(f"error: {expected}", file=sys.stderr)
            raise SystemExit(expected.exit_code) from error
        # Airflow shows the last printed line, and Spark's messages end in a Java stack trace.
        error.add_note(f"error: {type(error).__name__}: {with_store(_shortened(str(error)))}")
        raise
    _end_session()


def day(text: str) -> dt.date:
    """Parse a day, YYYY-MM-DD, for argparse."""
    try:
        return read_day(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def day_or_none(text: str) -> dt.date | None:
    """Parse an optional day for argparse: make passes an empty text if it is not given."""
    return day(text) if text else None


def _shortened(message: str) -> str:
    """Return a message in one line. It keeps the first cause in Java's stack trace, and of a long message both ends."""
    causes = re.findall(r"^\s*(Caused by: .+)$", message, re.MULTILINE)[:1]
    text = " ".join(" ".join([re.split(r"\n\s+at |\n+JVM stacktrace|\n+Debug source", message)[0], *causes]).split())
    half = _LONGEST_MESSAGE // 2
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:half]} … {text[-half:]}"


def _end_session() -> None:
    """Release the resources of this process on a Spark Connect server."""
    if os.environ.get("SPARK_REMOTE") and "pyspark.sql" in sys.modules:
        from pyspark.sql import SparkSession

        if (session := SparkSession.getActiveSession()) is not None:
            session.stop()
