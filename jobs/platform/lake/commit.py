"""The second half of a write: one commit that removes a day's old files from a table and adds the audited ones.

Delta for Spark assumes that renaming on a local disk is atomic, which it is not: if two processes commit at once, one can lose
its commit without an error. So Spark only writes files and reads tables. Every commit is made here with delta-rs, which creates a
version's file only if it does not exist: with a hard link on a local disk, with a conditional put on S3, GCS and ABFS.

Each day has a token in the table's log (a `txn` action), which increases by one with every publication. A writer remembers the
token from when it started, and publishes only if it is still current. So a process that was suspended and resumes after its retry
has published is rejected: its rows were computed from older inputs.
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
from jobs.platform.lake.files import DataFile, files_of, open_table
from jobs.platform.lake.history import latest, publications
from jobs.platform.lake.stage import Staged, Unreadable
from jobs.platform.phases import Phase, phase
from schemas.contract import Contract

_log = logging.getLogger(__name__)
_ATTEMPTS = 200
_LONGEST_PAUSE_S = 0.2
_CHECKPOINT_EVERY = 50


class Overtaken(NightreelError):
    """Another process published the day after this one started (EX_TEMPFAIL): start again from the current inputs."""

    exit_code = 75


def token(uri: str, day: dt.date) -> int:
    """Return how often the day has been published in the table; 0 if never, or if there is no table."""
    try:
        return _token(open_table(uri), day)
    except TableNotFoundError:
        return 0


def is_published(uri: str, at_version: int, day: dt.date) -> bool:
    """True if the day was published up to that version of the table, with or without rows, and not dropped since."""
    if not _token(open_table(uri, version=at_version), day):
        return False  # the history below takes longer to read
    up_to_version = (p for p in publications(uri) if p.day == day and p.version <= at_version)
    last = next(up_to_version, None)
    return last is not None and not last.dropped


@phase(Phase.COMMIT)
def commit(
    uri: str,
    contract: Contract,
    staged: Staged,
    expected_token: int,
    made_by: Mapping[str, Any],
    *,
    data_change: bool = True,
) -> int:
    """Publish a day and flush it to the disk.

    Args:
        uri: the location of the table, which exists.
        contract: the table's contract.
        staged: the audited files.
        expected_token: the day's token when the writer started.
        made_by: how the rows were made; stored in the commit.
        data_change: False if the day's rows stay the same and are only moved to other files.

    Returns:
        The new version of the table.

    Raises:
        Overtaken: another process published the day meanwhile.
        Damaged: the table's log differs from what was written.
        Unreadable: the staged files were removed.
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
        table = open_table(uri)
        if _token(table, staged.day) != expected_token:
            last = latest(uri).get(staged.day)
            if last is not None and last.attempt == staged.attempt:
                new_version = last.version
                break  # the commit succeeded, only its reply was lost
            raise Overtaken(
                f"{contract.table}: {staged.day} was published by another attempt after this one started, so this one "
                f"published nothing; its rows are in {uri}/{staged.attempt}"
            )
        failpoint("audited")
        with contextlib.suppress(CommitFailedError):  # usually another commit was first; the next round reads the log
            _commit_once(table, contract, staged, expected_token + 1, metadata, data_change)
            new_version = table.version() + 1
            failpoint("committed")
            break
        time.sleep(random.uniform(0, _LONGEST_PAUSE_S))
    else:
        raise NightreelError(f"{contract.table}: gave up after {_ATTEMPTS} commit conflicts; rerun the job")
    version = open_table(uri).version()
    log_backup.write(uri, version)
    if version and version % _CHECKPOINT_EVERY == 0:
        log_backup.write_checkpoint(uri)
    return new_version


def drop(uri: str, contract: Contract, day: dt.date, expected_token: int, made_by: Mapping[str, Any]) -> int:
    """Remove a day's rows from a table: publish the day without rows. Arguments, result and errors are those of `commit`."""
    return commit(uri, contract, Staged(f"{day}-dropped", day, 0, NO_ROWS, ()), expected_token, made_by)


def _commit_once(
    table: DeltaTable, contract: Contract, staged: Staged, token: int, metadata: Mapping[str, Any], data_change: bool
) -> None:
    now = int(time.time() * 1000)
    added = [
        AddAction(file.path, file.size, file.partition, now, data_change, _statistics(file)) for file in staged.files
    ]
    current = [file for file in files_of(table, contract) if file.day == staged.day]
    kept = {file.path for file in staged.files} & {file.path for file in current}
    overwrite = data_change and not kept
    removed = [
        RemoveAction(f.path, data_change, now, size=f.size, partition_values=dict[str, str | None](f.partition))
        for f in current
        if f.path not in kept and not overwrite
    ]
    table.create_write_transaction(
        [*added, *removed],
        # An overwrite by delta-rs removes all files of the day. If some files or all rows stay, we list the removed files.
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
            max_commit_retries=0,  # a retry by delta-rs would commit on top of a version whose token was not checked
            app_transactions=[Transaction(_app(staged.day), token)],
        ),
        post_commithook_properties=log_backup.NO_HOOKS,
    )


def _statistics(file: DataFile) -> str:
    """Return a file's statistics as JSON, in the format of Delta's protocol."""
    statistics: dict[str, Any] = {"numRecords": file.rows}
    if file.bounds:
        statistics["minValues"] = {name: least for name, (least, _) in file.bounds.items()}
        statistics["maxValues"] = {name: greatest for name, (_, greatest) in file.bounds.items()}
        statistics["nullCount"] = dict.fromkeys(file.bounds, 0)
    return json.dumps(statistics, default=str)


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
            f"{error.filename} was deleted before it was published, e.g. by a VACUUM without retention; rerun the job"
        ) from error


def _app(day: dt.date) -> str:
    return f"nightreel/{day}"


def _token(table: DeltaTable, day: dt.date) -> int:
    return table.transaction_version(_app(day)) or 0
