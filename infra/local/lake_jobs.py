"""Jobs that a backfill calls: list the stale nights, print the plan of the backfill, print its outcome."""

import datetime as dt
import os
import subprocess
from collections.abc import Mapping, Sequence

from infra.local import job_server
from infra.local.daemon import ServiceError
from infra.local.paths import ROOT


def stale_nights(until: dt.date, environment: Mapping[str, str]) -> list[dt.date]:
    """Update ops.stale_days, print its rows, and return the stale nights in order.

    Args:
        until: the last night to check.
        environment: variables of the job, in addition to those of this process.

    Raises:
        ServiceError: the job failed; the message is its error.
    """
    lines = _run("stale_days", ["--date", str(until)], environment).splitlines()
    for line in lines:
        print(f"  {line}", flush=True)
    return sorted({dt.date.fromisoformat(line.split()[0]) for line in lines})


def print_plan(first: dt.date | None, last: dt.date, tables: Sequence[str]) -> int:
    """Print what a backfill of these nights, or of the stale nights up to `last`, would do. Return the exit code."""
    arguments = ["--date", str(last), *(["--first", str(first)] if first else []), "--tables", *tables]
    return subprocess.run([*_COMMAND, "jobs.backfill.plan", *arguments], cwd=ROOT, check=False).returncode


def print_outcome(
    nights: Sequence[dt.date], tables: Sequence[str], began: dt.datetime, environment: Mapping[str, str]
) -> None:
    """Compare the nights of these tables before and after the backfill. Print the result and write it to ops.backfills.

    Args:
        nights: the nights of the backfill.
        tables: the tables to compare.
        began: when the backfill began.
        environment: variables of the job, in addition to those of this process.

    Raises:
        ServiceError: the job failed; the message is its error.
    """
    began_ms = str(round(began.timestamp() * 1000))
    arguments = ["--date", str(nights[-1]), "--began", began_ms, "--nights", *map(str, nights), "--tables", *tables]
    print(f"\n{_run('backfills', arguments, environment)}", end="", flush=True)


def print_summary(night: dt.date, environment: Mapping[str, str]) -> int:
    """Print the summary of a night. Return the exit code.

    Args:
        night: the night.
        environment: variables of the job, in addition to those of this process.
    """
    command = [*_COMMAND, "jobs.report.summary", "--date", str(night)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode


_COMMAND = [job_server.PYTHON, "-m"]


def _run(job: str, arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    command = [*_COMMAND, f"jobs.backfill.{job}", *arguments]
    result = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise ServiceError((result.stderr.strip().splitlines() or [f"{job} failed"])[-1].removeprefix("error: "))
    return result.stdout
