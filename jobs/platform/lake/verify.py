"""Compares what tables hold with what was published in them: logs, the bytes of files, and where needed rows."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from infra import durable
from jobs.platform.lake import log_backup, stage
from jobs.platform.lake.content_hash import NO_ROWS, content_hash
from jobs.platform.lake.files import DataFile, files_of, filesystem
from jobs.platform.lake.foreign_commits import ForeignCommit, foreign_commits, misfit, reshaping
from jobs.platform.lake.history import Publication, latest
from jobs.platform.lake.read import frame
from jobs.platform.settings import Settings
from jobs.platform.spark import session
from schemas.contract import Contract, load_contract


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
    found = log_backup.damage(where) if where else []
    yield from (Damage(table, None, what) for what in found)
    if found:
        return  # which files the table has cannot be known before its log is put back
    try:
        current = DeltaTable(uri)
    except DeltaError as error:
        if where is None or (where / "_delta_log").exists():
            yield Damage(table, None, f"its log cannot be read: {error}")
        return
    if reshaped := reshaping(current, uri, load_contract(table)):
        yield Damage(table, None, f"{misfit(current, load_contract(table))} since {reshaped}")
        return
    published = latest(uri)
    files: dict[dt.date, list[DataFile]] = defaultdict(list)
    for file in files_of(current, load_contract(table)):
        files[file.day].append(file)
    asked = sorted(published.keys() | files.keys() if day is None else {day} & (published.keys() | files.keys()))
    ours = [replace(f, sha256=published[f.day].files.get(f.path)) for d in asked if d in published for f in files[d]]
    broken = damaged_files(uri, ours)
    # Files that are all as they were published need not be read as rows.
    whole = [each for each in asked if each in published and not any(file.path in broken for file in files[each])]
    others = [each for each in whole if {file.path for file in files[each]} != published[each].files.keys()]
    changed = dict(_changed(uri, current.version(), load_contract(table), [published[each] for each in others]))
    for each in asked:
        if each not in published:
            yield Damage(table, each, f"is in {len(files[each])} files that nobody published")
            continue
        yield from (Damage(table, each, broken[file.path]) for file in files[each] if file.path in broken)
        if each in changed:
            yield Damage(table, each, changed[each])


def damaged_files(uri: str, files: Collection[DataFile]) -> dict[str, str]:
    """What is wrong with some files of a table, each read to its last byte by Spark.

    Args:
        uri: where the table lies.
        files: as the table's log has them, with their SHA-256 where we wrote them.

    Returns:
        Path below the table -> what is wrong, for damaged files only.
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
    return damaged | {path: f"{uri}/{path} is not what was written (SHA-256)" for path in changed}


def _changed(
    uri: str, at_version: int, contract: Contract, published: Sequence[Publication]
) -> Iterator[tuple[dt.date, str]]:
    """Days whose rows are not those that were published, and how they differ; one query reads all of them."""
    if not published:
        return
    table = frame(session(), uri, at_version)
    rows = table.where(F.col(contract.day_column).isin([p.day for p in published]))
    counts = [F.count(F.lit(1)).alias("rows"), content_hash(contract, table.columns).alias("content")]
    try:
        found = {
            row[0]: (row["rows"], row["content"]) for row in rows.groupBy(contract.day_column).agg(*counts).collect()
        }
    except PySparkException as error:
        if len(published) == 1:
            yield published[0].day, f"cannot be read: {str(error).splitlines()[0]}"
        else:  # which of the days it is, only a query for each tells
            for one in published:
                yield from _changed(uri, at_version, contract, [one])
        return
    for p in published:
        there, content = found.get(p.day, (0, NO_ROWS))
        if (there, content) != (p.rows, p.content):
            yield p.day, f"holds {there} rows with content hash {content}, published were {p.rows} with {p.content}"


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
    published = latest(uri)
    for commit in reversed(list(foreign_commits(current, uri, load_contract(table)))):
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
