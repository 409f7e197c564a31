"""Run nights through Airflow, then say what they made: ``python -m infra.local.nightly --from DAY --to DAY --source SOURCE``.

The days are checked before anything starts. Services that are not up are started, and stopped again at the end.
"""

import argparse
import datetime as dt
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.backfill import Backfill, Outcome
from infra.local.daemon import ServiceError, write_json
from infra.local.paths import ROOT, State, state, zone
from infra.local.services import Services
from infra.local.task_log import last_error, log_file

_EX_USAGE = 64
_AT_ONCE = 2
_SOURCES = ("simulator", "landing")
# The nights' DAGs in their order, and the name their tasks have in the summary.
_DAGS = {"nightly": "", "text_to_video": "video."}


class UsageError(Exception):
    """The command cannot be meant so; the message is for a person."""


def night(text: str, now: dt.datetime) -> dt.date:
    """The day written as YYYY-MM-DD; the last complete one where the text is empty.

    Raises:
        UsageError: it is no day, or not over yet.
    """
    last_complete = now.date() - dt.timedelta(days=1)
    if not text:
        return last_complete
    try:
        day = dt.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise UsageError(f"{text!r} is not a day; write it as YYYY-MM-DD, e.g. 2022-05-01") from None
    if day > last_complete:
        raise UsageError(f"{day} is not over yet in {now.tzinfo}; the last complete night is {last_complete}")
    return day


def source(text: str) -> str:
    """Where the logs come from, a folder by its absolute path, since the jobs run elsewhere.

    Raises:
        UsageError: there is no such folder.
    """
    text = text or os.environ.get("NIGHTREEL_SOURCE", _SOURCES[0])
    if text in _SOURCES:
        return text
    if not Path(text).is_dir():
        raise UsageError(
            f"SOURCE={text} is not a folder; give one in KuaiRand's layout, or leave it out for the simulator"
        )
    return str(Path(text).resolve())


@contextmanager
def only_one(where: State) -> Iterator[None]:
    """Hold this state folder's lock on running nights.

    Raises:
        ServiceError: another command holds it.
    """
    where.make()
    with (where.run / "nightly.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceError(f"another `make nightly` or `make backfill` is running on {where.home}") from None
        yield


@contextmanager
def services(where: State) -> Iterator[Services]:
    """The services, started unless a person keeps them up, and then stopped again.

    Nobody follows a night that an earlier, killed command left behind: such runs are ended first.
    """
    found = Services(where)
    kept = where.kept.exists() and found.running()
    try:
        if not kept:
            print("Starting Spark and Airflow")
        found.start(with_mlflow=False)
        if not kept:
            for dag in _DAGS:
                for number in found.api.active_backfills(dag):
                    found.api.end_backfill(number)
                for run in found.api.unfinished_runs(dag):
                    found.api.fail_run(dag, run)
        yield found
    finally:
        if not kept:
            found.stop()


def run_nights(found: Services, first: dt.date, last: dt.date, logs_from: str) -> bool:
    """Run both DAGs for these nights; whether all of them succeeded."""
    durations: dict[dt.date, dict[str, float]] = {}
    for dag, prefix in _DAGS.items():
        conf = {"source": logs_from} if dag == "nightly" else {}
        outcome = Backfill(found.api, dag, first, last).run(conf, _AT_ONCE, found.keep_up)
        for day, seconds in outcome.seconds.items():
            durations.setdefault(day, {}).update({prefix + task: round(took, 1) for task, took in seconds.items()})
        if outcome.unsuccessful:
            _explain(found.state, dag, outcome, first, last)
            return False
    folder = found.state.run / "durations"
    folder.mkdir(exist_ok=True)
    for day, seconds in durations.items():
        write_json(folder / f"{day}.json", seconds)
    return True


def _explain(where: State, dag: str, outcome: Outcome, first: dt.date, last: dt.date) -> None:
    """Say which task failed, why, where its log is, and how to go on."""
    days = ", ".join(map(str, outcome.unsuccessful))
    print(f"\nerror: {dag} failed for {days}", file=sys.stderr)
    for task in outcome.failed:
        log = log_file(where, task)
        print(f"  {task['task_id']}: {last_error(log)}\n    log: {log}", file=sys.stderr)
    again = f"make nightly DATE={first}" if first == last else f"make backfill FROM={first} TO={last}"
    print(f"  when the reason is gone, run it again: {again} (with the same SOURCE)", file=sys.stderr)


def main() -> int:
    """Check, run, summarise; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", default="", help="first night, YYYY-MM-DD; yesterday if empty")
    parser.add_argument("--to", dest="last", default="", help="last night; yesterday if empty")
    parser.add_argument("--source", default="", help="simulator, landing, or a folder in KuaiRand's layout")
    args = parser.parse_args()
    where = state()
    started = time.monotonic()
    # Told to end, it ends what it has started, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        now = dt.datetime.now(zone())
        first, last = night(args.first, now), night(args.last, now)
        logs_from = source(args.source)
        if first > last:
            raise UsageError(f"FROM={first} is after TO={last}")
        with only_one(where), services(where) as found:
            if not run_nights(found, first, last, logs_from):
                return 1
        took = dt.timedelta(seconds=round(time.monotonic() - started))
        print(f"\n{first} done in {took}" if first == last else f"\n{first} to {last} done in {took}", flush=True)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return _EX_USAGE
    except ServiceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    summary = [sys.executable, "-m", "jobs.operate.summary", "--date", last.isoformat()]
    return subprocess.run(summary, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
