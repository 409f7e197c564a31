"""What a backfill asks the jobs about the lake: which nights are stale, what it would do, and what it has done."""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Sequence

from infra.local.daemon import ServiceError
from infra.local.paths import ROOT


def stale_nights(until: dt.date, spark: str) -> list[dt.date]:
    """The nights that are stale, in order; brings ops.stale_days up to date and prints what it says.

    Args:
        until: the last night that is looked at.
        spark: address of the Spark server.

    Raises:
        ServiceError: the job failed, and has said why.
    """
    lines = _run("stale_days", ["--date", str(until)], spark).splitlines()
    for line in lines:
        print(f"  {line}", flush=True)
    return sorted({dt.date.fromisoformat(line.split()[0]) for line in lines})


def print_plan(first: dt.date | None, last: dt.date, wanted: Sequence[str]) -> int:
    """Print what a backfill of these nights, or of the stale ones up to `last`, would do; the exit code."""
    arguments = ["--date", str(last), *(["--first", str(first)] if first else []), "--tables", *wanted]
    return subprocess.run([*_COMMAND, "jobs.backfill.plan", *arguments], cwd=ROOT, check=False).returncode


def print_outcome(nights: Sequence[dt.date], wanted: Sequence[str], began: dt.datetime, spark: str) -> None:
    """Compare what these tables hold of the nights with what they held when the backfill began, in ops.backfills as well.

    Raises:
        ServiceError: the job failed, and has said why.
    """
    since = str(round(began.timestamp() * 1000))
    arguments = ["--date", str(nights[-1]), "--began", since, "--nights", *map(str, nights), "--tables", *wanted]
    print(f"\n{_run('backfills', arguments, spark)}", end="", flush=True)


def print_summary(night: dt.date) -> int:
    """Print what a night has made; the exit code."""
    return subprocess.run([*_COMMAND, "jobs.report.summary", "--date", str(night)], cwd=ROOT, check=False).returncode


_COMMAND = [sys.executable, "-m"]


def _run(job: str, arguments: Sequence[str], spark: str) -> str:
    command = [*_COMMAND, f"jobs.backfill.{job}", *arguments]
    environment = {**os.environ, "SPARK_REMOTE": spark}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceError((done.stderr.strip().splitlines() or [f"{job} failed"])[-1].removeprefix("error: "))
    return done.stdout
