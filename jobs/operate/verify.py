"""Reads every file of the lake's tables and holds each against the log and against what was published: `make verify`.

A table's log is compared with its receipts, a file's bytes with the SHA-256 that its commit recorded, and where a day lies in
other files than were published, its rows with their content hash. Damage is listed, a line a file or day; nothing is changed,
which is what `make restore` is for. Commits of others are listed as well, with what became of the days that they touched: rows
that were only laid anew (OPTIMIZE) are no damage.
"""

import argparse
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from tqdm import tqdm

from infra import durable
from jobs.operate.foreign_commits import ForeignCommit, foreign_commits, misfit, reshaping
from jobs.platform import lakehouse, receipts, staging
from jobs.platform.command import command, day_or_none
from jobs.platform.content_hash import content_hash
from jobs.platform.errors import BadInput, UsageError
from jobs.platform.publications import Publication, latest
from jobs.platform.settings import Settings, settings
from jobs.platform.spark import session
from schemas.contract import Contract, contract, tables


@dataclass(frozen=True)
class Damage:
    """One thing that is not as it was published."""

    table: str
    day: dt.date | None
    """None where it is the table's log."""
    what: str

    def __str__(self) -> str:
        return f"{self.table}{f' {self.day}' if self.day else ''}: {self.what}"


def verify(settings: Settings, table: str, day: dt.date | None = None) -> Iterator[Damage]:
    """What is damaged of a table, or of one day of it; nothing where there is no such table."""
    uri = settings.uri(table)
    where = durable.local(uri)
    found = receipts.damage(where) if where else []
    yield from (Damage(table, None, what) for what in found)
    if found:
        return  # which files the table has cannot be known before its log is put back
    try:
        current = DeltaTable(uri)
    except DeltaError as error:
        if where is None or (where / "_delta_log").exists():
            yield Damage(table, None, f"its log cannot be read: {error}")
        return
    if reshaped := reshaping(current, uri, contract(table)):
        yield Damage(table, None, f"{misfit(current, contract(table))} since {reshaped}")
        return
    published, files = latest(current), files_of_days(current, contract(table))
    asked = sorted(published.keys() | files.keys() if day is None else {day} & (published.keys() | files.keys()))
    known = [
        (file, published[each].files.get(file.path)) for each in asked if each in published for file in files[each]
    ]
    broken = damaged_files(uri, known)
    for each in tqdm(asked, desc=table, unit="day", leave=False, disable=None):
        if each not in published:
            yield Damage(table, each, f"is in {len(files[each])} files that nobody published")
        elif of_day := [broken[file.path] for file in files[each] if file.path in broken]:
            yield from (Damage(table, each, what) for what in of_day)
        elif changed := _changed(current, uri, contract(table), published[each], files[each]):
            yield Damage(table, each, changed)


def files_of_days(table: DeltaTable, agreed: Contract) -> dict[dt.date, list[staging.DataFile]]:
    """The files of each day, by the table's log, which knows no digest."""
    found: dict[dt.date, list[staging.DataFile]] = defaultdict(list)
    for file in pa.table(table.get_add_actions(flatten=True)).to_pylist():
        partition = {name: str(file[f"partition.{name}"]) for name in agreed.partitioned_by}
        listed = staging.DataFile(file["path"], file["size_bytes"], "", partition, file.get("num_records") or 0)
        found[dt.date.fromisoformat(partition[agreed.day_column])].append(listed)
    return found


def damaged_files(uri: str, files: Collection[tuple[staging.DataFile, str | None]]) -> dict[str, str]:
    """What is wrong with some files of a table, each read to its last byte by Spark.

    Args:
        uri: where the table lies.
        files: as the table's log has them, with their SHA-256, which is known only where we wrote them.

    Returns:
        Path below the table -> what is wrong, for damaged files only.
    """
    store, root = staging.filesystem(uri)
    infos = store.get_file_info([f"{root}/{file.path}" for file, _ in files])
    damaged = {}
    to_read = {}
    for (file, sha256), info in zip(files, infos, strict=True):
        if not info.is_file:
            damaged[file.path] = f"{uri}/{file.path} is missing"
        elif info.size != file.size:
            damaged[file.path] = f"{uri}/{file.path} has {info.size} bytes, not {file.size}"
        elif sha256 is not None:
            to_read[file.path] = sha256
    there = staging.digests(session(), uri, list(to_read)) if to_read else {}
    for path, sha256 in to_read.items():
        if there.get(path) != sha256:
            damaged[path] = f"{uri}/{path} is not what was written (SHA-256)"
    return damaged


def _changed(
    current: DeltaTable, uri: str, agreed: Contract, publication: Publication, files: Collection[staging.DataFile]
) -> str | None:
    """What differs between a day's rows and its publication. Files that are all as they were published need not be read."""
    if {file.path for file in files} == publication.files.keys():
        return None
    table = lakehouse.read(session(), uri, current.version())
    of_day = table.where(f"`{agreed.day_column}` = DATE'{publication.day}'")
    counted = [F.count(F.lit(1)).alias("rows"), content_hash(agreed, table.columns).alias("content")]
    try:
        found = of_day.agg(*counted).first()
    except PySparkException as error:
        return f"cannot be read: {str(error).splitlines()[0]}"
    assert found is not None  # an aggregate without groups has one row
    if (found["rows"], found["content"]) == (publication.rows, publication.content):
        return None
    return (
        f"holds {found['rows']} rows with content hash {found['content']}, "
        f"published were {publication.rows} with {publication.content}"
    )


def touched_by_others(
    settings: Settings, table: str, damaged: Collection[Damage], day: dt.date | None = None
) -> Iterator[str]:
    """A line for each commit of others, with what became of the days that it touched; the oldest first.

    There is none where the table's log is damaged or its shape is not ours: what became of a day is not known then.

    Args:
        settings: which lake.
        table: layer and name.
        damaged: what `verify` found.
        day: only commits that touched it.
    """
    uri, changed = settings.uri(table), {damage.day for damage in damaged if damage.day}
    if len(changed) < len({damage.day for damage in damaged}) or not DeltaTable.is_deltatable(uri):
        return
    current = DeltaTable(uri)
    published = latest(current)
    for commit in reversed(list(foreign_commits(current, uri, contract(table)))):
        if day is None or day in commit.days:
            yield f"{table}: {commit}: {_became(commit, published, changed)}"


def _became(commit: ForeignCommit, published: Mapping[dt.date, Publication], changed: Collection[dt.date]) -> str:
    replaced = {day for day in commit.days if day in published and published[day].version > commit.version}
    lost = {day for day in commit.days - replaced if day in changed}
    kept = commit.days - replaced - lost
    said = [
        f"not what was published: {', '.join(map(str, sorted(lost)))}" * bool(lost),
        f"days as published: {len(kept)}" * bool(kept),
        f"days published again since: {len(replaced)}" * bool(replaced),
    ]
    return "; ".join(filter(None, said)) or "no rows touched"


def chosen(table: str) -> list[str]:
    """The table of this name, or all where it is empty.

    Raises:
        UsageError: there is no such table.
    """
    if table and table not in tables():
        raise UsageError(f"TABLE={table} is no table; there are: {', '.join(tables())}")
    return [table] if table else list(tables())


def main(argv: Sequence[str] | None = None) -> None:
    """List the damage and the commits of others; exit code 65 where there is any."""
    damaged = 0
    with command(argv, __doc__, _arguments) as args:
        for table in chosen(args.table):
            found = []
            for damage in verify(settings(), table, args.day):
                found.append(damage)
                tqdm.write(str(damage))
            for line in touched_by_others(settings(), table, found, args.day):
                tqdm.write(line)
            damaged += len(found)
        if damaged:
            raise BadInput(f"damaged in {damaged} places; make restore goes back to the last good version of them")
        print("all that was published is there")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", default="", help="layer and name; all unless given")
    parser.add_argument("--day", type=day_or_none, help="only this day; all unless given")


if __name__ == "__main__":
    main()
