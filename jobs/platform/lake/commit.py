"""The second half of a write: one commit that takes a day's old files out of a table and puts the audited ones in.

Delta for Spark takes a local disk's rename for atomic, which it is not: of two processes that commit at once one can lose its
commit without an error. So Spark only writes files and reads tables; every commit is made here, by delta-rs, which puts a
version's file in place only where there is none: by a hard link on a local disk, by a conditional put on S3, GCS and ABFS.

A day has a token in the table's log (a `txn` action), one higher with every publication. A writer remembers the token that
it saw when it began and publishes only over that one. So a process that was stopped, and wakes when its retry has published,
is refused: it would put rows in place that were computed from older inputs.
"""

import contextlib
import datetime as dt
import json
import logging
import random
import time
from collections.abc import Mapping
from typing import Any

from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from infra import durable
from jobs.platform.errors import NightreelError
from jobs.platform.failpoint import failpoint
from jobs.platform.lake import log_backup
from jobs.platform.lake.content_hash import NO_ROWS
from jobs.platform.lake.files import DataFile, files_of
from jobs.platform.lake.history import latest, publications
from jobs.platform.lake.stage import Staged, Unreadable
from schemas.contract import Contract

_log = logging.getLogger(__name__)
_ATTEMPTS = 200
_LONGEST_PAUSE_S = 0.2
_CHECKPOINT_EVERY = 50


class Overtaken(NightreelError):
    """Somebody else published the day since this process began (EX_TEMPFAIL): begin again, from the inputs of now."""

    exit_code = 75


def token(uri: str, day: dt.date) -> int:
    """How often the day has been published in the table; 0 for never, or where there is no table."""
    try:
        return _token(DeltaTable(uri), day)
    except TableNotFoundError:
        return 0


def is_published(uri: str, at_version: int, day: dt.date) -> bool:
    """Whether the day was published up to that version of the table, be it without a row, and not dropped since."""
    if not _token(DeltaTable(uri, version=at_version), day):
        return False  # the history below takes longer to read
    made = (p for p in publications(uri) if p.day == day and p.version <= at_version)
    last = next(made, None)
    return last is not None and not last.dropped


def commit(
    uri: str, contract: Contract, staged: Staged, seen: int, made_by: Mapping[str, Any], *, data_change: bool = True
) -> int:
    """Publish a day; when this returns, it is on the disk.

    Args:
        uri: the table, which exists.
        contract: of the table.
        staged: the audited files.
        seen: the day's token when the writer began.
        made_by: what made the rows; goes into the commit.
        data_change: False where the rows are those that the day has, in other files.

    Returns:
        The version of the table that the commit made.

    Raises:
        Overtaken: the day was published by somebody else since.
        Damaged: the table's log is not what it was when it was written.
        Unreadable: somebody removed the files.
    """
    _make_durable(uri, staged)
    metadata = {
        **made_by,
        "date": str(staged.day),
        "attempt": staged.attempt,
        "rows": staged.rows,
        "content": staged.content,
        "files": {file.path: file.sha256 for file in staged.files},
    }
    for _ in range(_ATTEMPTS):
        log_backup.check(uri)
        table = DeltaTable(uri)
        if _token(table, staged.day) != seen:
            last = latest(uri).get(staged.day)
            if last is not None and last.attempt == staged.attempt:
                made = last.version
                break  # the commit was made, though its reply never came
            raise Overtaken(
                f"{contract.table}: {staged.day} was published by another attempt since this one began, so nothing was "
                f"published by this one; its rows are in {uri}/{staged.attempt}"
            )
        failpoint("audited")
        with contextlib.suppress(CommitFailedError):  # most often another commit came first; the log says what happened
            _commit_once(table, contract, staged, seen + 1, metadata, data_change)
            made = table.version() + 1
            failpoint("committed")
            break
        time.sleep(random.uniform(0, _LONGEST_PAUSE_S))
    else:
        raise NightreelError(f"{contract.table}: no turn among {_ATTEMPTS} commits of others; run the job again")
    version = DeltaTable(uri).version()
    log_backup.write(uri, version)
    if version and version % _CHECKPOINT_EVERY == 0:
        DeltaTable(uri).create_checkpoint()
        log_backup.write_checkpoint(uri)
    return made


def drop(uri: str, contract: Contract, day: dt.date, seen: int, made_by: Mapping[str, Any]) -> int:
    """Take a day's rows out of a table: publish that it has none. Arguments, result and errors are those of `commit`."""
    return commit(uri, contract, Staged(f"{day}-dropped", day, 0, NO_ROWS, ()), seen, made_by)


def _commit_once(
    table: DeltaTable, contract: Contract, staged: Staged, new: int, metadata: Mapping[str, Any], data_change: bool
) -> None:
    now = int(time.time() * 1000)
    added = [
        AddAction(file.path, file.size, file.partition, now, data_change, _statistics(file)) for file in staged.files
    ]
    there = [file for file in files_of(table, contract) if file.day == staged.day]
    kept = {file.path for file in staged.files} & {file.path for file in there}
    overwrite = data_change and not kept
    removed = [
        RemoveAction(f.path, data_change, now, size=f.size, partition_values=dict[str, str | None](f.partition))
        for f in there
        if f.path not in kept and not overwrite
    ]
    table.create_write_transaction(
        [*added, *removed],
        # delta-rs overwrites by removing all files of the day. Where some stay, or the rows do, we name those that go.
        "overwrite" if overwrite else "append",
        table.schema(),
        list(contract.partitioned_by),
        [(contract.day_column, "=", str(staged.day))] if overwrite else None,
        commit_properties=CommitProperties(
            custom_metadata={
                "userMetadata": json.dumps(metadata, ensure_ascii=False, sort_keys=True),
                "operationParameters": {"predicate": f"{contract.day_column} = '{staged.day}'"},
                "isBlindAppend": False,
            },
            max_commit_retries=0,  # or delta-rs would commit over a version whose token nobody has looked at
            app_transactions=[Transaction(_app(staged.day), new)],
        ),
        post_commithook_properties=log_backup.NO_HOOKS,
    )


def _statistics(file: DataFile) -> str:
    """What readers are told of a file, as Delta's protocol has it."""
    found: dict[str, Any] = {"numRecords": file.rows}
    if file.bounds:
        found["minValues"] = {name: least for name, (least, _) in file.bounds.items()}
        found["maxValues"] = {name: greatest for name, (_, greatest) in file.bounds.items()}
        found["nullCount"] = dict.fromkeys(file.bounds, 0)
    return json.dumps(found, default=str)


def _make_durable(uri: str, staged: Staged) -> None:
    folder = durable.local(uri)
    if folder is None:
        return
    files = [folder / file.path for file in staged.files]
    folders = {parent for file in files for parent in file.parents if parent == folder or folder in parent.parents}
    try:
        durable.sync([*files, *folders])
    except FileNotFoundError as error:
        raise Unreadable(
            f"{error.filename} is gone before it was published, as after a VACUUM that keeps no hours; run the job again"
        ) from error


def _app(day: dt.date) -> str:
    return f"nightreel/{day}"


def _token(table: DeltaTable, day: dt.date) -> int:
    return table.transaction_version(_app(day)) or 0
