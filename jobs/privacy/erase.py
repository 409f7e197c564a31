"""Erases users permanently: `make erase USERS=file`, where the file has one user id of the app per line.

First the users are added to the erasure list, which every later landing and write respects. Then their rows are removed from the
landing's files and from every table: each affected file is written again without them, and the files of older versions that
contain them are deleted at once, so neither time travel nor `make restore` brings them back. Clips that only they asked for are
deleted, and so are the weights of models that were trained on their rows. Finally all files below NIGHTREEL_HOME and
NIGHTREEL_FILES are searched. The command can be rerun at any time and continues with the remaining work.
"""

import argparse
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds

from jobs.ingest import erased_lines, landing
from jobs.ingest.behavior_rows import EVENTS
from jobs.ingest.feeds import RECONCILED
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
from jobs.privacy.clips import erase_clips
from schemas.contract import Contract, load_contract
from schemas.contract import tables as contract_tables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_RECONCILIATION = "ops.reconciliation"
_BRONZE = "bronze.behavior_log"
_QUARANTINE = "silver.quarantine"
_ATTEMPTS = 5
"""Retries before blaming a writer that ignores the erasure list."""


def read_users(path: Path) -> list[int]:
    """Read the user ids from a file, in the formats that a landing may have.

    Raises:
        UsageError: the file cannot be read.
        BadInput: a line is not an id, or the file is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); give a file with one user id per line") from error
    users = []
    for number, line in enumerate(lines, 1):
        if not line.strip(BLANKS):
            continue
        if (user := read_id(line)) is None:
            raise BadInput(
                f"{path} line {number}: {line.strip()[:40]!r} is not a user id; "
                "give one whole number per line (nobody was erased)"
            )
        users.append(user)
    if not users:
        raise BadInput(f"{path} contains no user id; give one per line (nobody was erased)")
    return users


def erase_landing(settings: Settings) -> Iterator[str]:
    """Remove all users on the list from the landing. Yields a line for each night of a feed that had lines of them.

    Raises:
        BadInput: a file is damaged, so it cannot be rewritten.
    """
    for feed in erased_lines.PERSONAL:
        for night in landing.nights(settings.landing, feed):
            try:
                lines = erased_lines.redact(session(), settings, feed, night)
            except (BadInput, OSError, pa.ArrowException) as error:
                folder = landing.folder(settings.landing, feed, night)
                raise BadInput(f"{folder} is damaged ({error}); land it again or delete it, then rerun this") from error
            if lines:
                yield f"landing {feed} of {night}: {lines} lines"


def erase_tables(settings: Settings) -> Generator[str, None, set[str]]:
    """Remove all users on the list from the tables and from every file below them. Yields a line for each table with such files.

    Returns:
        Digests of the users who had rows.

    Raises:
        BadInput: a file of a table is damaged.
        NightreelError: another writer keeps writing rows of erased users.
    """
    erased = erasure.read(settings)
    users: set[str] = set()
    remaining = contract_tables()
    for _ in range(_ATTEMPTS):
        found = search.find_in_tables(session(), settings, remaining, erased)
        if not found.files:
            return users
        users |= found.users
        remaining = tuple(sorted(found.files))
        for table in remaining:
            yield f"{table}: {_erase_files(settings, table, found.files[table], erased)}"
    raise NightreelError(
        f"{', '.join(remaining)}: rows of erased users keep coming back; stop the process that writes them, then rerun this"
    )


def _erase_files(settings: Settings, table: str, files: Mapping[str, int | None], erased: frozenset[str]) -> str:
    """Write these files again without erased users, delete the old ones, and return a description.

    Args:
        settings: the location of the lake.
        table: layer and name.
        files: path below the table -> number of rows of erased users; None for a damaged file.
        erased: digests of the users.

    Raises:
        BadInput: a file of the table is damaged.
    """
    contract, uri = load_contract(table), settings.uri(table)
    rows = 0
    paths: dict[dt.date, list[str]] = defaultdict(list)
    for path, day in _days_of_files(uri, contract).items():
        if path not in files:
            continue
        if (count := files[path]) is None:
            raise BadInput(f"{table}: {path} is damaged; run make restore, then rerun this")
        rows += count
        paths[day].append(path)
    for day, of_day in sorted(paths.items()):
        with suppress(lake.Overtaken):  # by a writer that has the list; the next attempt checks
            _publish_without(settings, table, day, of_day, erased)
    store, root = lake.filesystem(uri)
    deleted = 0
    for path in files.keys() - _days_of_files(uri, contract).keys():
        with suppress(FileNotFoundError):  # the job that was writing it has moved it
            store.delete_file(f"{root}/{path}")
            deleted += 1
    return f"{rows} rows in {len(paths)} days; {deleted} files of old versions deleted"


def _days_of_files(uri: str, contract: Contract) -> dict[str, dt.date]:
    """Return path below the table -> day, for the files of its current version."""
    return {} if lake.version(uri) is None else {file.path: file.day for file in lake.files(uri, contract)}


def _publish_without(
    settings: Settings, table: str, day: dt.date, paths: Sequence[str], erased: frozenset[str]
) -> None:
    """Publish a day without erased users: only these files of it, or all of them if another program has rearranged the day."""
    contract, uri = load_contract(table), settings.uri(table)
    lake.create(contract, uri)  # adds columns that the contract has gained
    context = JobContext(day, settings, writes=table)
    published, token = lake.latest(uri).get(day), context.lake.expected_token
    of_day = context.lake.read_day(table)
    # The last version with the rows: everything that was made from this or an earlier version was made from them.
    made_by = {**(published.made_by if published else {}), "erased": context.lake.inputs[table]}

    def without_erased(rows: "DataFrame") -> "DataFrame":
        return erasure.without_erased(rows, contract, erased)

    if published and lake.consists_of(uri, contract, published):
        # A writer may have published the day since its files were listed; then nothing is left to do.
        if current := [path for path in paths if path in published.files]:
            lake.rewrite_files(context.spark, contract, uri, published, current, without_erased, token, made_by)
    else:
        lake.replace_day(context.spark, without_erased(of_day), contract, uri, day, token, made_by)


def update_reconciliation(settings: Settings) -> Iterator[str]:
    """Move erased lines to the column `erased` in ops.reconciliation, for the nights with erased rows."""
    if _RECONCILIATION not in lake.tables(settings):
        return
    remaining = {
        table: {day: p.rows for day, p in lake.latest(settings.uri(table)).items() if "erased" in p.made_by}
        for table in (_BRONZE, _QUARANTINE, *(feed.table for feed in RECONCILED.values()))
        if table in lake.tables(settings)
    }
    counts = lake.arrow(settings.uri(_RECONCILIATION), lake.tables(settings)[_RECONCILIATION]).to_table()
    for day in sorted({day for days in remaining.values() for day in days}):
        before = [row for row in counts.to_pylist() if row["arrival_date"] == day]
        quarantined = _quarantined(settings, day) if day in remaining.get(_QUARANTINE, {}) else None
        rows_now = {table: days.get(day) for table, days in remaining.items()}
        after = [row | _updated_counts(row, rows_now, quarantined) for row in before]
        if after != before:
            context = JobContext(day, settings, writes=_RECONCILIATION)
            context.lake.write(context.spark.createDataFrame(after, load_contract(_RECONCILIATION).struct_type()))
            yield f"{_RECONCILIATION}: updated the row counts of {day}"


def _quarantined(settings: Settings, day: dt.date) -> Counter[str]:
    """Return the number of quarantined rows by their target table."""
    rows = lake.arrow(settings.uri(_QUARANTINE), lake.tables(settings)[_QUARANTINE])
    return Counter(rows.to_table(columns=["source"], filter=ds.field("arrival_date") == day)["source"].to_pylist())


def _updated_counts(
    row: dict[str, Any], rows_now: dict[str, int | None], quarantined: Counter[str] | None
) -> dict[str, int]:
    """Return the new counts of a feed.

    Args:
        row: the feed's row of ops.reconciliation.
        rows_now: table -> its current number of rows of the night; None if nothing was erased from it.
        quarantined: target table -> its current number of quarantined rows; None if nothing was erased from the quarantine.
    """
    table = row["source"]
    rows_out = row["rows_out"] if (now := rows_now.get(table)) is None else now
    in_quarantine = row["quarantined"] if quarantined is None else quarantined[table]
    counts = {"rows_out": rows_out, "quarantined": in_quarantine}
    if table != EVENTS or (lines := rows_now.get(_BRONZE)) is None:
        return counts | {"erased": row["lines_in"] - rows_out - in_quarantine - row["duplicates"]}
    return counts | {"duplicates": lines - rows_out - in_quarantine, "erased": row["lines_in"] - lines}


def delete_weights(settings: Settings) -> Iterator[str]:
    """Delete the weights of the models that were trained on erased rows. A serving model must be replaced first."""
    from jobs.platform import tracking  # MLflow takes seconds to import

    erased = {
        table: {(p.day, int(p.made_by["erased"])) for p in lake.publications(uri) if "erased" in p.made_by}
        for table, uri in ((table, settings.uri(table)) for table in lake.tables(settings))
    }
    for version, serves in tracking.trained_on_erased(settings, erased):
        if serves:
            yield (
                f"{version.name} {version.version}: was trained on their rows and still serves; "
                f"run make nightly DATE={version.night} SOURCE=landing, then rerun this"
            )
        else:
            tracking.delete_weights(settings, version)
            yield f"{version.name} {version.version}: weights deleted"


def erase(settings: Settings, users: Iterable[int]) -> Iterator[str]:
    """Erase users, and all users on the list who are still found. Yields a line for each thing done.

    Raises:
        UsageError: this machine does not have the lake's pseudonym key and erasure list.
        BadInput: a file could not be rewritten, or still names them.
    """
    secret = admission.register(settings)
    pseudonyms = {pseudonym(user, secret) for user in users}
    new = erasure.add(settings, pseudonyms, secret)
    failpoint("listed")
    admission.register(settings)  # from now on the lake rejects machines with an older list
    yield f"{len(pseudonyms)} users, {new} of them new on the erasure list {erasure.path(settings)}"
    yield from erase_landing(settings)
    yield from erase_clips(settings)
    had_rows = yield from erase_tables(settings)
    yield from update_reconciliation(settings)
    yield from delete_weights(settings)
    without_rows = {erasure.digest(user) for user in pseudonyms} - had_rows
    yield f"{len(without_rows)} of the users had no row in any table"
    files = sorted(
        {*map(str, search.find_in_landing(session(), settings))}
        | {*map(str, search.find_in_files(session(), settings, erasure.read(settings)))}
    )
    if files:
        listed = ", ".join(files[:10]) + (f" and {len(files) - 10} more" if len(files) > 10 else "")
        raise BadInput(f"{len(files)} files still name them: {listed}; delete these files, then rerun this")
    searched = " or ".join(dict.fromkeys([str(settings.home), str(settings.files)]))
    yield f"no file below {searched} names them"


def main(argv: Sequence[str] | None = None) -> None:
    """Erase the users in a file."""
    with command(argv, __doc__, _arguments) as args:
        for line in erase(settings(), read_users(args.users)):
            print(line, flush=True)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--users", type=Path, required=True, help="file with one user id per line")


if __name__ == "__main__":
    main()
