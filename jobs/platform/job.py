"""The frame of all jobs: a command for one night, `--date`, with logging."""

import argparse
import datetime as dt
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from jobs.platform import admission, metrics
from jobs.platform.command import command
from jobs.platform.errors import UsageError
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from schemas.days import YESTERDAY, read_night


@contextmanager
def run_job(
    argv: Sequence[str] | None,
    description: str | None,
    extra: Callable[[argparse.ArgumentParser], object] = lambda parser: None,
    *,
    writes: str | None = None,
    trains: str | None = None,
) -> Iterator[JobContext]:
    """Run the body of a job for the night `--date`, after `admission.check`. Errors are handled as in `command`.

    Args:
        argv: the arguments; if None, those of the process.
        description: the job's docstring, for `--help`.
        extra: adds the job's own arguments to the parser.
        writes: the table that the job writes, if any.
        trains: the model that the job trains or promotes, if any.
    """

    def arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--date", required=True, help=f"the night, YYYY-MM-DD, or {YESTERDAY} in the lake's time zone"
        )
        extra(parser)

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)  # its last line would follow the reason why a job failed
    with command(argv, description, arguments) as args:
        current = settings()
        admission.check(current)
        context = JobContext(_night(args.date, current.timezone), current, args, writes=writes, trains=trains)
        with metrics.measured(context):
            yield context


def _night(text: str, zone: dt.tzinfo) -> dt.date:
    try:
        return read_night(text, dt.datetime.now(dt.UTC), zone)
    except ValueError as error:
        raise UsageError(str(error)) from None
