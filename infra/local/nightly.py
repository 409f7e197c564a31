"""Run nights through Airflow, then say what they made: ``python -m infra.local.nightly --from DAY --to DAY --source SOURCE``.

The days are checked before anything starts. Services that are not up are started, and stopped again at the end. A backfill
(`--backfill`) also says what it changed; with `--stale` it finds its nights itself, with `--dry-run` it is only planned.
"""

import argparse
import datetime as dt
import fcntl
import io
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from infra import durable
from infra.local import lake_jobs
from infra.local.backfill import Backfill, Outcome
from infra.local.daemon import ServiceError
from infra.local.paths import State, state
from infra.local.services import Services
from infra.local.stale import ranges, until_none
from infra.local.task_log import last_error, log_file
from schemas.contract import load_contract
from schemas.days import YESTERDAY, days_between, last_complete, read_night
from schemas.dependencies import tables_of_a_night
from schemas.zone import UnknownZone, zone

_EX_USAGE = 64
_AT_ONCE = 2
_SOURCES = ("simulator", "landing")
# The nights' DAGs in their order, and the name their tasks have in the summary.
_DAGS = {"nightly": "", "text_to_video": "video."}
_VIDEOS = "video"
"""The stage whose tables `text_to_video` writes; all others are written by `nightly`."""


class UsageError(Exception):
    """The command cannot be meant so; the message is for a person."""


def night(text: str, now: dt.datetime, zone: dt.tzinfo) -> dt.date:
    """The night that the text names; the last complete one where it is empty.

    Raises:
        UsageError: it is no night of the zone, or not over yet.
    """
    try:
        day = read_night(text or YESTERDAY, now, zone)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if day > (last := last_complete(now, zone)):
        raise UsageError(f"{day} is not over yet in {zone}; the last complete night is {last}")
    return day


class Logs(NamedTuple):
    """Where logs come from: paths are absolute, since the jobs run elsewhere."""

    source: str
    """`simulator`, `landing`, or a folder."""
    mapping: str = ""
    """Name or folder of the mappings by which they are read; empty where the files say it."""

    def __str__(self) -> str:
        return f"SOURCE={self.source}" + (f" MAPPING={self.mapping}" if self.mapping else "")


def logs(source_text: str, mapping_text: str) -> Logs:
    """The logs that a command names.

    Raises:
        UsageError: there is no such folder.
    """
    mapping = mapping_text or os.environ.get("NIGHTREEL_MAPPING", "")
    return Logs(source(source_text), str(Path(mapping).resolve()) if Path(mapping).exists() and mapping else mapping)


def source(text: str) -> str:
    """Where the logs come from, a folder by its absolute path.

    Raises:
        UsageError: there is no such folder.
    """
    text = text or os.environ.get("NIGHTREEL_SOURCE", _SOURCES[0])
    if text in _SOURCES:
        return text
    if not Path(text).is_dir():
        raise UsageError(f"SOURCE={text} is not a folder; give one with logs, or leave it out for the simulator")
    return str(Path(text).resolve())


def tables(text: str) -> tuple[str, ...]:
    """The tables named, with commas between them; all that a night writes where the text is empty.

    Raises:
        UsageError: one of them is not written by a night.
    """
    written = tables_of_a_night()
    asked = [name.strip() for name in text.split(",")] if text else written
    for name in asked:
        if name not in written:
            raise UsageError(f"TABLES: a night writes no {name!r}; it writes {', '.join(written)}")
    return tuple(name for name in written if name in asked)


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


def run_nights(found: Services, first: dt.date, last: dt.date, logs_from: Logs, wanted: Sequence[str]) -> bool:
    """Run both DAGs for these nights, or what of them writes the tables that are wanted; whether all of them succeeded."""
    started = time.monotonic()
    durations: dict[dt.date, dict[str, float]] = {}
    whole = set(wanted) == set(tables_of_a_night())
    of_nightly = [table for table in wanted if load_contract(table).stage != _VIDEOS]
    confs: dict[str, dict[str, object]] = {}
    if of_nightly:
        confs["nightly"] = {**logs_from._asdict(), "tables": "" if whole else ",".join(of_nightly), "only_stale": False}
    if len(of_nightly) < len(wanted):
        confs["text_to_video"] = {"only_stale": False}
    for dag, conf in confs.items():
        # What makes a night wait for the one before is a task like any other, which some tables go without.
        outcome = Backfill(found.api, dag, first, last).run(conf, _AT_ONCE if whole else 1, found.keep_up)
        for day, seconds in outcome.seconds.items():
            durations.setdefault(day, {}).update({_DAGS[dag] + task: round(took, 1) for task, took in seconds.items()})
        if outcome.unsuccessful:
            again = f"FROM={first} TO={last} {logs_from}" + ("" if whole else f" TABLES={','.join(wanted)}")
            _explain(found.state, dag, outcome, again)
            return False
    if not whole:  # no measure of a night
        return True
    share = round((time.monotonic() - started) / ((last - first).days + 1), 1)
    for day, seconds in durations.items():
        durable.write_json(found.state.run / "durations" / f"{day}.json", seconds)
        durable.write_json(found.state.run / "elapsed" / f"{day}.json", {"seconds": share})
    return True


def backfill(found: Services, nights: Sequence[dt.date], logs_from: Logs, wanted: Sequence[str]) -> bool:
    """Run these nights, in order, and say what that changed; whether all of them succeeded."""
    began = dt.datetime.now(dt.UTC)
    succeeded = all(run_nights(found, first, last, logs_from, wanted) for first, last in ranges(nights))
    lake_jobs.print_outcome(nights, wanted, began, found.spark_remote)
    return succeeded


def _explain(where: State, dag: str, outcome: Outcome, again: str) -> None:
    """Say which task failed, why, where its log is, and how to go on."""
    days = ", ".join(map(str, outcome.unsuccessful))
    print(f"\nerror: {dag} failed for {days}", file=sys.stderr)
    for task in outcome.failed:
        log = log_file(where, task)
        print(f"  {task['task_id']}: {last_error(log)}\n    log: {log}", file=sys.stderr)
    print(f"  when the reason is gone, run it again: make backfill {again}", file=sys.stderr)


def main() -> int:
    """Check, run, summarise; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", default="", help="first night, YYYY-MM-DD; yesterday if empty")
    parser.add_argument("--to", dest="last", default="", help="last night; yesterday if empty")
    parser.add_argument("--source", default="", help="simulator, landing, or a folder of logs")
    parser.add_argument("--mapping", default="", help="name or folder of the mappings by which its files are read")
    parser.add_argument(
        "--tables", default="", help="only these of the tables that a night writes, with commas between"
    )
    parser.add_argument("--backfill", action="store_true", help="say what it changed, in ops.backfills as well")
    parser.add_argument("--stale", action="store_true", help="run the stale nights, and those that turn stale by that")
    parser.add_argument("--dry-run", action="store_true", help="only say what it would do")
    args = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # a log shows each line when it is said
    where = state()
    started = time.monotonic()
    # Told to end, it ends what it has started, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        now, lake_zone = dt.datetime.now(dt.UTC), zone()
        first, last = night(args.first, now, lake_zone), night(args.last, now, lake_zone)
        # Stale nights are run again from what has landed, wherever that came from.
        logs_from = logs(args.source or ("landing" if args.stale else ""), "" if args.stale else args.mapping)
        wanted = tables(args.tables)
        if args.stale and (args.first or args.last or args.tables):
            raise UsageError("STALE=1 finds its nights and tables itself: leave FROM, TO and TABLES out")
        if first > last:
            raise UsageError(f"FROM={first} is after TO={last}")
        if args.dry_run:
            return lake_jobs.print_plan(None if args.stale else first, last, wanted)
        with only_one(where), services(where) as found:
            done = _run(found, first, last, logs_from, wanted, args)
        if not done:
            return 1 if done is None else 0
        took = dt.timedelta(seconds=round(time.monotonic() - started))
        print(f"\n{_named(done)} done in {took}", flush=True)
    except (UsageError, UnknownZone) as error:
        print(f"error: {error}", file=sys.stderr)
        return _EX_USAGE
    except ServiceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return lake_jobs.print_summary(done[-1])


def _run(
    found: Services, first: dt.date, last: dt.date, logs_from: Logs, wanted: Sequence[str], args: argparse.Namespace
) -> Sequence[dt.date] | None:
    """Run what the command asks for; the nights that were run, None if one of them did not succeed."""
    if args.stale:
        done = until_none(
            lambda: lake_jobs.stale_nights(last, found.spark_remote),
            lambda days: backfill(found, days, logs_from, wanted),
        )
        if done == []:
            print("no night is stale")
        return done
    nights = days_between(first, last, zone())
    if args.backfill:
        return nights if backfill(found, nights, logs_from, wanted) else None
    return nights if run_nights(found, first, last, logs_from, wanted) else None


def _named(nights: Sequence[dt.date]) -> str:
    return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in ranges(nights))


if __name__ == "__main__":
    sys.exit(main())
