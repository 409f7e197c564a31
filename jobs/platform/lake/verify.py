"""Compares tables with what was published in them: their logs, the bytes of their files and, where needed, their rows."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from infra import durable
from jobs.platform.lake import log_backup, stage
from jobs.platform.lake.content_hash import NO_ROWS, content_hash
from jobs.platform.lake.files import STORE_OPTIONS, DataFile, files_of, filesystem, open_table
from jobs.platform.lake.foreign_commits import ForeignCommit, foreign_commits, incompatibility, incompatible_commit
from jobs.platform.lake.history import Publication, latest
from jobs.platform.lake.read import frame
from jobs.platform.settings import Settings
from jobs.platform.spark import session
from schemas.contract import Contract, load_contract


@dataclass(frozen=True)
class Damage:
    """One difference between a table and what was published."""

    table: str
    day: dt.date | None
    """None if the table's log is damaged."""
    what: str

    def __str__(self) -> str:
        return f"{self.table}{f' {self.day}' if self.day else ''}: {self.what}"


def verify(settings: Settings, table: str, day: dt.date | None = None) -> Iterator[Damage]:
    """Yield the damage to a table, or to one day of it; nothing if the table does not exist."""
    uri = settings.uri(table)
    folder = durable.local(uri)
    problems = log_backup.find_damage(folder) if folder else []
    yield from (Damage(table, None, problem) for problem in problems)
    if problems:
        return  # the table's files are not known until its log is restored
    try:
        current = open_table(uri)
    except DeltaError as error:
        has_log = folder is not None and (folder / "_delta_log").exists()
        if has_log or not isinstance(error, TableNotFoundError):
            yield Damage(table, None, f"its log cannot be read: {error}")
        return
    if foreign := incompatible_commit(current, uri, load_contract(table)):
        yield Damage(table, None, f"{incompatibility(current, load_contract(table))} since {foreign}")
        return
    published = latest(uri)
    files: dict[dt.date, list[DataFile]] = defaultdict(list)
    for file in files_of(current, load_contract(table)):
        files[file.day].append(file)
    days = sorted(published.keys() | files.keys() if day is None else {day} & (published.keys() | files.keys()))
    with_digests = [
        replace(f, sha256=published[f.day].files.get(f.path)) for d in days if d in published for f in files[d]
    ]
    damaged = damaged_files(uri, with_digests)
    # A day that consists of exactly its published, undamaged files needs no check of its rows.
    intact = [d for d in days if d in published and not any(file.path in damaged for file in files[d])]
    rewritten = [d for d in intact if {file.path for file in files[d]} != published[d].files.keys()]
    changed = dict(_changed_days(uri, current.version(), load_contract(table), [published[d] for d in rewritten]))
    for d in days:
        if d not in published:
            yield Damage(table, d, f"has {len(files[d])} files, but no job published the day")
            continue
        yield from (Damage(table, d, damaged[file.path]) for file in files[d] if file.path in damaged)
        if d in changed:
            yield Damage(table, d, changed[d])


def damaged_files(uri: str, files: Collection[DataFile]) -> dict[str, str]:
    """Find damaged files of a table. Spark reads every byte of them.

    Args:
        uri: the table's location.
        files: as listed in the table's log, with the SHA-256 of those that we wrote.

    Returns:
        Path below the table -> the problem, for damaged files only.
    """
    store, root = filesystem(uri)
    infos = store.get_file_info([f"{root}/{file.path}" for file in files])
    damaged, to_read = {}, {}
    for file, info in zip(files, infos, strict=True):
        if not info.is_file:
            damaged[file.path] = f"{uri}/{file.path} is missing"
        elif info.size != file.size:
            damaged[file.path] = f"{uri}/{file.path} has {info.size} bytes, not {file.size}"
        elif file.sha256 is not None:
            to_read[file.path] = file.sha256
    read = stage.digests(session(), uri, list(to_read)) if to_read else {}
    changed = [path for path, sha256 in to_read.items() if read.get(path) != sha256]
    return damaged | {path: f"{uri}/{path} differs from what was written (SHA-256)" for path in changed}


def _changed_days(
    uri: str, at_version: int, contract: Contract, published: Sequence[Publication]
) -> Iterator[tuple[dt.date, str]]:
    """Yield the days whose rows differ from the published ones, and the difference. One query reads all days."""
    if not published:
        return
    table = frame(session(), uri, at_version)
    rows = table.where(F.col(contract.day_column).isin([p.day for p in published]))
    counts = [F.count(F.lit(1)).alias("rows"), content_hash(contract, table.columns).alias("content")]
    try:
        actual = {
            row[0]: (row["rows"], row["content"]) for row in rows.groupBy(contract.day_column).agg(*counts).collect()
        }
    except PySparkException as error:
        if len(published) == 1:
            yield published[0].day, f"cannot be read: {str(error).splitlines()[0]}"
        else:  # a query per day shows which day it is
            for publication in published:
                yield from _changed_days(uri, at_version, contract, [publication])
        return
    for p in published:
        row_count, content = actual.get(p.day, (0, NO_ROWS))
        if (row_count, content) != (p.rows, p.content):
            yield (
                p.day,
                f"has {row_count} rows with content hash {content}, but {p.rows} with {p.content} were published",
            )


def describe_foreign_commits(
    settings: Settings, table: str, damaged: Collection[Damage], day: dt.date | None = None
) -> Iterator[str]:
    """Yield a line for each foreign commit, the oldest first, with the state of the days that it touched.

    Yields nothing if the table's log is damaged or its schema is incompatible: the state of the days is not known then.

    Args:
        settings: the location of the lake.
        table: layer and name.
        damaged: the result of `verify`.
        day: only commits that touched this day.
    """
    uri, changed = settings.uri(table), {damage.day for damage in damaged if damage.day}
    if len(changed) < len({damage.day for damage in damaged}) or not DeltaTable.is_deltatable(uri, STORE_OPTIONS):
        return
    current = open_table(uri)
    published = latest(uri)
    for commit in reversed(list(foreign_commits(current, uri, load_contract(table)))):
        if day is None or day in commit.days:
            yield f"{table}: {commit}: {_effect(commit, published, changed)}"


def _effect(commit: ForeignCommit, published: Mapping[dt.date, Publication], changed: Collection[dt.date]) -> str:
    replaced = {day for day in commit.days if day in published and published[day].version > commit.version}
    lost = {day for day in commit.days - replaced if day in changed}
    kept = commit.days - replaced - lost
    parts = [
        f"days that differ from what was published: {', '.join(map(str, sorted(lost)))}" * bool(lost),
        f"days as published: {len(kept)}" * bool(kept),
        f"days published again since: {len(replaced)}" * bool(replaced),
    ]
    return "; ".join(filter(None, parts)) or "no rows touched"
