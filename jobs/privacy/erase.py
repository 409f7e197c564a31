"""Erases users for good: `make erase USERS=file`, a file with one of the app's user ids a line.

First they go on the erasure list, which every later landing and write heeds. Then they go out of what is there: the landing's
files, every table (each affected day is published again without their rows) and, at once, the files of older versions that hold
them, so that neither time travel nor `make restore` brings them back; and the weights of the models that learned from their rows
are deleted. At last all files below NIGHTREEL_HOME are searched. It may be run again at any time: it does what is left to do.
"""

import argparse
import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from jobs.ingest import erased_lines, landing
from jobs.ingest.behavior_rows import EVENTS
from jobs.ingest.feeds import NIGHTLY
from jobs.platform import admission, erasure, lake
from jobs.platform.command import command
from jobs.platform.errors import BadInput, NightreelError, UsageError
from jobs.platform.failpoint import failpoint
from jobs.platform.job_context import JobContext
from jobs.platform.pseudonym import pseudonym
from jobs.platform.settings import Settings, settings
from jobs.platform.spark import session
from jobs.platform.whole_number import BLANKS, read_id
from jobs.privacy import search
from schemas.contract import Contract, load_contract
from schemas.contract import tables as contracted

_BOOKS = "ops.reconciliation"
_BRONZE = "bronze.behavior_log"
_QUARANTINE = "silver.quarantine"
_ROUNDS = 5
"""Looks at a table before it is said to be written by somebody who does not heed the list."""


@dataclass
class Removed:
    """What was taken out of a table."""

    rows: Counter[str] = field(default_factory=Counter)
    """Of its current version, by digest of the user."""
    days: set[dt.date] = field(default_factory=set)
    files: int = 0
    """Of older versions, or of writes that never were published."""


def read_users(path: Path) -> list[int]:
    """The user ids in a file, written as ids may be in a landing.

    Raises:
        UsageError: there is no such file.
        BadInput: a line is no id, or there is none.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); give a file with a user id a line") from error
    users = []
    for number, line in enumerate(lines, 1):
        if not line.strip(BLANKS):
            continue
        if (user := read_id(line)) is None:
            raise BadInput(
                f"{path} line {number}: {line.strip()[:40]!r} is no user id; give whole numbers, one a line (nobody was erased)"
            )
        users.append(user)
    if not users:
        raise BadInput(f"{path} holds no user id; give one a line (nobody was erased)")
    return users


def erase_landing(settings: Settings) -> Iterator[str]:
    """Take all users on the list out of the landing; says where lines were.

    Raises:
        BadInput: a file is damaged, so that it cannot be rewritten.
    """
    for feed in erased_lines.PERSONAL:
        for night in landing.nights(settings.landing, feed):
            try:
                lines = erased_lines.redact(session(), settings, feed, night)
            except (BadInput, OSError, pa.ArrowException) as error:
                where = landing.folder(settings.landing, feed, night)
                raise BadInput(
                    f"{where} is damaged ({error}); land it again or take it away, then run this again"
                ) from error
            if lines:
                yield f"landing {feed} of {night}: {lines} lines"


def erase_table(settings: Settings, table: str) -> Removed:
    """Take all users on the list out of a table and out of every file below it.

    Raises:
        BadInput: a file of the table is damaged.
    """
    contract, at = load_contract(table), settings.uri(table)
    erased = erasure.read(settings)
    store, root = lake.filesystem(at)
    removed = Removed()
    for _ in range(_ROUNDS):
        held = search.in_table(at, contract, erased)
        if not held:
            return removed
        current = _days_of_files(at, contract)
        for path in held.keys() & current.keys():
            if (rows := held[path]) is None:
                raise BadInput(f"{table}: {path} is damaged; make restore first, then run this again")
            removed.rows += rows
            removed.days.add(current[path])
        for day in sorted({current[path] for path in held.keys() & current.keys()}):
            with suppress(lake.Overtaken):  # by a writer that knows the list; the next look shows it
                _publish_without(settings, table, day, erased)
        for path in held.keys() - _days_of_files(at, contract).keys():
            with suppress(FileNotFoundError):  # a job that was writing it has moved it since
                store.delete_file(f"{root}/{path}")
                removed.files += 1
    raise NightreelError(f"{table}: rows of erased users keep coming back; end what writes them, then run this again")


def _days_of_files(at: str, contract: Contract) -> dict[str, dt.date]:
    """Path below the table -> day, of the files of its current version."""
    return {} if lake.version(at) is None else {file.path: file.day for file in lake.files(at, contract)}


def _publish_without(settings: Settings, table: str, day: dt.date, erased: frozenset[str]) -> None:
    lake.create(load_contract(table), settings.uri(table))  # the rows are written with what the contract has added
    context = JobContext(day, settings, writes=table)
    published = lake.latest(context.lake.uri(table)).get(day)
    kept = erasure.without_erased(context.lake.read_day(table), load_contract(table), erased)
    # Which version had the rows last: what was made from that one or an earlier one was made from them.
    made_by = {**(published.made_by if published else {}), "erased": context.lake.inputs[table]}
    lake.replace_day(
        context.spark, kept, load_contract(table), context.lake.uri(table), day, context.lake.expected_token, made_by
    )


def restate_books(settings: Settings) -> Iterator[str]:
    """Move erased lines to their own column in the books of the nights whose tables were left without them."""
    if _BOOKS not in lake.tables(settings):
        return
    left = {
        table: {day: p.rows for day, p in lake.latest(settings.uri(table)).items() if "erased" in p.made_by}
        for table in (_BRONZE, _QUARANTINE, *(feed.table for feed in NIGHTLY.values()))
        if table in lake.tables(settings)
    }
    books = lake.arrow(settings.uri(_BOOKS), lake.tables(settings)[_BOOKS]).to_table()
    for day in sorted({day for days in left.values() for day in days}):
        before = [row for row in books.to_pylist() if row["arrival_date"] == day]
        quarantined = _quarantined(settings, day) if day in left.get(_QUARANTINE, {}) else None
        after = [
            row | _restated(row, {table: days.get(day) for table, days in left.items()}, quarantined) for row in before
        ]
        if after != before:
            context = JobContext(day, settings, writes=_BOOKS)
            context.lake.write(context.spark.createDataFrame(after, load_contract(_BOOKS).struct_type()))
            yield f"{_BOOKS}: the books of {day} say what was erased"


def _quarantined(settings: Settings, day: dt.date) -> Counter[str]:
    """Rows in quarantine by the table that they would have gone to."""
    rows = lake.arrow(settings.uri(_QUARANTINE), lake.tables(settings)[_QUARANTINE])
    return Counter(rows.to_table(columns=["source"], filter=ds.field("arrival_date") == day)["source"].to_pylist())


def _restated(row: dict[str, Any], left: dict[str, int | None], quarantined: Counter[str] | None) -> dict[str, int]:
    """The figures of a feed's books from the rows that each table has now, None where nothing was erased of it."""
    table = row["source"]
    rows_out = row["rows_out"] if (now := left.get(table)) is None else now
    kept_aside = row["quarantined"] if quarantined is None else quarantined[table]
    figures = {"rows_out": rows_out, "quarantined": kept_aside}
    if table != EVENTS or (lines := left.get(_BRONZE)) is None:
        return figures | {"erased": row["lines_in"] - rows_out - kept_aside - row["duplicates"]}
    return figures | {"duplicates": lines - rows_out - kept_aside, "erased": row["lines_in"] - lines}


def forget(settings: Settings) -> Iterator[str]:
    """Delete the weights of the models that learned from rows that were erased; the one that serves has to be replaced first."""
    from jobs.platform import tracking  # MLflow takes seconds to import

    erased = {
        table: {(p.day, int(p.made_by["erased"])) for p in lake.publications(at) if "erased" in p.made_by}
        for table, at in ((table, settings.uri(table)) for table in lake.tables(settings))
    }
    for version, serves in tracking.trained_on_erased(settings, erased):
        if serves:
            yield (
                f"{version.name} {version.version}: learned from them and still serves; "
                f"run make nightly DATE={version.night} SOURCE=landing, then this again"
            )
        else:
            tracking.delete_weights(settings, version)
            yield f"{version.name} {version.version}: weights deleted"


def erase(settings: Settings, users: Iterable[int]) -> Iterator[str]:
    """Erase users, and whoever is on the list but still found; says what was done, a line each.

    Raises:
        UsageError: this machine has not the lake's pseudonym key and erasure list.
        BadInput: something could not be rewritten, or a file still names them.
    """
    secret = admission.register(settings)
    asked = {pseudonym(user, secret) for user in users}
    new = erasure.add(settings, asked, secret)
    failpoint("listed")
    admission.register(settings)  # which tells the lake: no machine with an older list writes from now on
    yield f"{len(asked)} users, {new} of them new on the erasure list {erasure.path(settings)}"
    yield from erase_landing(settings)
    found: Counter[str] = Counter()
    for table in contracted():
        removed = erase_table(settings, table)
        found += removed.rows
        if removed.rows or removed.files:
            yield (
                f"{table}: {removed.rows.total()} rows in {len(removed.days)} days; "
                f"{removed.files} files of old versions deleted"
            )
    yield from restate_books(settings)
    yield from forget(settings)
    yield f"{len({erasure.digest(user) for user in asked} - found.keys())} of the users had no row in any table"
    if left := sorted({*search.in_landing(session(), settings), *search.in_files(settings, erasure.read(settings))}):
        named = ", ".join(map(str, left[:10])) + (f" and {len(left) - 10} more" if len(left) > 10 else "")
        raise BadInput(f"{len(left)} files still name them: {named}; delete these, then run this again")
    yield f"no file below {settings.home} names them"


def main(argv: Sequence[str] | None = None) -> None:
    """Erase the users that a file names."""
    with command(argv, __doc__, _arguments) as args:
        for line in erase(settings(), read_users(args.users)):
            print(line, flush=True)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--users", type=Path, required=True, help="file with a user id a line")


if __name__ == "__main__":
    main()
