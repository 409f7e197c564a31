"""Run nights through Airflow and print a summary: ``python -m infra.local.nightly --from DAY --to DAY --source SOURCE``.

The arguments are checked before anything starts. Services that are not running are started, and stopped at the end. A backfill
(`--backfill`) also prints what it changed. With `--stale` it runs the stale nights, with `--dry-run` it only prints its plan.
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
from functools import partial
from pathlib import Path
from typing import NamedTuple

from infra import durable
from infra.local import lake_jobs
from infra.local.backfill import Backfill, Outcome
from infra.local.daemon import ServiceError
from infra.local.paths import State
from infra.local.stale import ranges, run_until_fresh
from infra.local.task_log import last_error
from infra.services import Services, of_profile
from schemas.contract import load_contract
from schemas.days import YESTERDAY, days_between, last_complete, read_night
from schemas.dependencies import tables_of_a_night
from schemas.zone import UnknownZone, zone

_EX_USAGE = 64
_AT_ONCE = 2
_SOURCES = ("simulator", "landing")
_DAGS = ("nightly", "text_to_video")
_VIDEOS = "video"
"""The stage of the tables that `text_to_video` writes; `nightly` writes all others."""


class UsageError(Exception):
    """Invalid arguments; the message is shown to the user."""


def night(text: str, now: dt.datetime, zone: dt.tzinfo) -> dt.date:
    """Parse a night; an empty text is the last complete night.

    Raises:
        UsageError: it is not a night of the zone, or it is not over yet.
    """
    try:
        day = read_night(text or YESTERDAY, now, zone)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if day > (last := last_complete(now, zone)):
        raise UsageError(f"{day} is not over yet in {zone}; the last complete night is {last}")
    return day


class Logs(NamedTuple):
    """The source of the logs. Paths are absolute, because the jobs run in another working directory."""

    source: str
    """`simulator`, `landing`, or a folder."""
    mapping: str = ""
    """Name or folder of the mappings to read them with; empty to detect it from the files."""

    def __str__(self) -> str:
        return f"SOURCE={self.source}" + (f" MAPPING={self.mapping}" if self.mapping else "")


def logs(source_text: str, mapping_text: str) -> Logs:
    """Return the source of the logs from the arguments and the environment.

    Raises:
        UsageError: there is no such folder.
    """
    mapping = mapping_text or os.environ.get("NIGHTREEL_MAPPING", "")
    return Logs(source(source_text), str(Path(mapping).resolve()) if Path(mapping).exists() and mapping else mapping)


def source(text: str) -> str:
    """Return the source of the logs; a folder as an absolute path.

    Raises:
        UsageError: there is no such folder.
    """
    text = text or os.environ.get("NIGHTREEL_SOURCE", _SOURCES[0])
    if text in _SOURCES:
        return text
    if not Path(text).is_dir():
        raise UsageError(f"SOURCE={text} is not a folder; give a folder of logs, or leave SOURCE out for the simulator")
    return str(Path(text).resolve())


def tables(text: str) -> tuple[str, ...]:
    """Parse a list of tables, separated by commas; an empty text is all tables that a night writes.

    Raises:
        UsageError: a night does not write one of them.
    """
    nightly = tables_of_a_night()
    requested = [name.strip() for name in text.split(",")] if text else nightly
    for name in requested:
        if name not in nightly:
            raise UsageError(f"TABLES: a night does not write {name!r}; it writes {', '.join(nightly)}")
    return tuple(name for name in nightly if name in requested)


@contextmanager
def nightly_lock(folder: State) -> Iterator[None]:
    """Hold this state folder's lock, so that only one command runs nights at a time.

    Raises:
        ServiceError: another command holds the lock.
    """
    folder.make()
    with (folder.run / "nightly.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceError(f"another `make nightly` or `make backfill` is running on {folder.home}") from None
        yield


@contextmanager
def running_services(services: Services) -> Iterator[Services]:
    """Yield the services when they run. Start them first and stop them afterwards, unless they were started by `make up`.

    Runs that an earlier, killed command left behind are ended first, because no command waits for them any more.
    """
    kept = services.state.kept.exists() and services.running()
    try:
        if not kept:
            print("Starting Spark and Airflow")
        services.start(complete=False)
        if not kept:
            for dag in _DAGS:
                for number in services.api.active_backfills(dag):
                    services.api.end_backfill(number)
                for run in services.api.unfinished_runs(dag):
                    services.api.fail_run(dag, run)
        yield services
    finally:
        if not kept:
            services.stop()


def run_nights(
    services: Services, first: dt.date, last: dt.date, logs_from: Logs, requested_tables: Sequence[str]
) -> bool:
    """Run both DAGs at once for these nights, limited to the requested tables. Return True if all runs succeeded."""
    started = time.monotonic()
    all_tables = set(requested_tables) == set(tables_of_a_night())
    tables_of_nightly = [table for table in requested_tables if load_contract(table).stage != _VIDEOS]
    confs: dict[str, dict[str, object]] = {}
    if tables_of_nightly:
        tables_conf = "" if all_tables else ",".join(tables_of_nightly)
        confs["nightly"] = {**logs_from._asdict(), "tables": tables_conf, "only_stale": False}
    if len(tables_of_nightly) < len(requested_tables):
        confs["text_to_video"] = {"only_stale": False}
    # A night waits for the previous one in one of its tasks, which may be skipped if only some tables are requested.
    outcome = Backfill(services.api, confs, first, last).run(_AT_ONCE if all_tables else 1, services.restart_dead)
    if outcome.unsuccessful:
        arguments = f"FROM={first} TO={last} {logs_from}"
        _explain(services, outcome, arguments + ("" if all_tables else f" TABLES={','.join(requested_tables)}"))
        return False
    if not all_tables:  # durations of a part of a night are not recorded
        return True
    share = round((time.monotonic() - started) / ((last - first).days + 1), 1)
    for day, seconds in outcome.seconds.items():
        rounded = {task: round(took, 1) for task, took in seconds.items()}
        durable.write_json(services.state.run / "durations" / f"{day}.json", rounded)
        durable.write_json(services.state.run / "elapsed" / f"{day}.json", {"seconds": share})
    return True


def backfill(services: Services, nights: Sequence[dt.date], logs_from: Logs, requested_tables: Sequence[str]) -> bool:
    """Run these nights in order and print what changed. Return True if all of them succeeded."""
    began = dt.datetime.now(dt.UTC)
    succeeded = all(run_nights(services, first, last, logs_from, requested_tables) for first, last in ranges(nights))
    lake_jobs.print_outcome(nights, requested_tables, began, services.spark_environment)
    return succeeded


def _explain(services: Services, outcome: Outcome, arguments: str) -> None:
    """Print which tasks failed, why, where their logs are, and how to rerun with these arguments."""
    for dag, days in outcome.unsuccessful.items():
        print(f"\nerror: {dag} failed for {', '.join(map(str, days))}", file=sys.stderr)
        for task in outcome.failed:
            if task["dag_id"] == dag:
                print(f"  {task['task_id']}: {last_error(services.api.log(task))}", file=sys.stderr)
                print(f"    log: {services.log_of(task)}", file=sys.stderr)
    print(f"  when the cause is fixed, rerun: make backfill {arguments}", file=sys.stderr)


def main() -> int:
    """Check the arguments, run the nights, print the summary. Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", default="", help="first night, YYYY-MM-DD; yesterday if empty")
    parser.add_argument("--to", dest="last", default="", help="last night; yesterday if empty")
    parser.add_argument("--source", default="", help="simulator, landing, or a folder of logs")
    parser.add_argument("--mapping", default="", help="name or folder of the mappings to read its files with")
    parser.add_argument("--tables", default="", help="only make these tables of a night, separated by commas")
    parser.add_argument("--backfill", action="store_true", help="print what changed and record it in ops.backfills")
    parser.add_argument(
        "--stale", action="store_true", help="run the stale nights, and nights that become stale thereby"
    )
    parser.add_argument("--dry-run", action="store_true", help="only print what would be done")
    parser.add_argument("--profile", default="", help="where it runs: local or cluster")
    args = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # a log file shows each line at once
    started = time.monotonic()
    # On SIGTERM it stops what it has started, as on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        now, lake_zone = dt.datetime.now(dt.UTC), zone()
        first, last = night(args.first, now, lake_zone), night(args.last, now, lake_zone)
        # Stale nights are rerun from the files that have landed, whatever their source was.
        logs_from = logs(args.source or ("landing" if args.stale else ""), "" if args.stale else args.mapping)
        requested_tables = tables(args.tables)
        if args.stale and (args.first or args.last or args.tables):
            raise UsageError("STALE=1 finds its nights and tables itself: leave FROM, TO and TABLES out")
        if first > last:
            raise UsageError(f"FROM={first} is after TO={last}")
        plan = partial(lake_jobs.print_plan, None if args.stale else first, last, requested_tables)
        if args.dry_run and args.profile in ("", "local"):
            return plan()  # without the services, which would create their folders
        services = of_profile(args.profile)
        os.environ |= services.settings
        if args.dry_run:
            return plan()
        with nightly_lock(services.state), running_services(services):
            done = _run(services, first, last, logs_from, requested_tables, args)
            if not done:
                return 1 if done is None else 0
            took = dt.timedelta(seconds=round(time.monotonic() - started))
            print(f"\n{_format(done)} done in {took}", flush=True)
            return lake_jobs.print_summary(done[-1], services.spark_environment)
    except (UsageError, UnknownZone) as error:
        print(f"error: {error}", file=sys.stderr)
        return _EX_USAGE
    except ServiceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _run(
    services: Services,
    first: dt.date,
    last: dt.date,
    logs_from: Logs,
    requested_tables: Sequence[str],
    args: argparse.Namespace,
) -> Sequence[dt.date] | None:
    """Run the nights that the command requests. Return the nights that were run, or None if one of them failed."""
    if args.stale:
        done = run_until_fresh(
            lambda: lake_jobs.stale_nights(last, services.spark_environment),
            lambda days: backfill(services, days, logs_from, requested_tables),
        )
        if done == []:
            print("no night is stale")
        return done
    nights = days_between(first, last, zone())
    if args.backfill:
        return nights if backfill(services, nights, logs_from, requested_tables) else None
    return nights if run_nights(services, first, last, logs_from, requested_tables) else None


def _format(nights: Sequence[dt.date]) -> str:
    return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in ranges(nights))


if __name__ == "__main__":
    sys.exit(main())
