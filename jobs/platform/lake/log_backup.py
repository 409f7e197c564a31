"""Backups of a table's commits, in `_receipts` beside its log, to detect and repair damage to the log.

Delta trusts its log: it reads a commit file that a power cut left empty as a commit without rows, and the published rows silently
disappear. The backup of a commit is written before the writer reports success, so every reported commit has one. A commit without
a backup was made by a writer that was killed before it reported success; the next writer creates the backup.

Before they read a table and before every commit, jobs check the part of the log that Delta reads: the last checkpoint, by its
digest, and the commits after it, by their backups. So a check takes as long at the thousandth commit as at the fiftieth.
`make verify` checks the whole log.

Object stores get no backups: they never lose or truncate an acknowledged object.
"""

import hashlib
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import PostCommitHookProperties

from infra import durable
from jobs.platform.errors import BadInput
from jobs.platform.lake.files import open_table

NO_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
"""For every commit by delta-rs. By default it deletes commits older than a month, and writes checkpoints without a digest."""

_LOG = "_delta_log"
_BACKUPS = "_receipts"


class Damaged(BadInput):
    """A file of a table differs from what was written. It must be restored before the table is used."""


def write(uri: str, version: int) -> None:
    """Flush every commit up to `version` to the disk, and write the missing backups.

    Raises:
        Damaged: a commit is not valid, so it cannot be backed up.
    """
    table = durable.local(uri)
    if table is None:
        return
    backups = _backups(table)
    for commit_version, commit in _commits(table).items():
        if commit_version > version or commit_version in backups:
            continue
        durable.sync([commit])
        content = commit.read_bytes()
        if problem := _commit_problem(content):
            raise Damaged(f"{commit}: {problem}; list all damage with: make verify")
        durable.write(table / _BACKUPS / f"{commit.stem}-{_digest(content)}.json", content)
    durable.sync([table / _LOG])


def write_checkpoint(uri: str) -> None:
    """Write a checkpoint of the table's current version, flush it to the disk, and write its digest.

    Raises:
        Damaged: the log, which the checkpoint would summarize, differs from what was written.
    """
    check(uri)
    table = open_table(uri)
    table.create_checkpoint()
    folder = durable.local(uri)
    for checkpoint in _checkpoints(folder) if folder else ():
        if _version(checkpoint) == table.version():
            durable.sync([checkpoint])
            durable.write(_digest_path(checkpoint), _digest(checkpoint.read_bytes()).encode())


def check(uri: str) -> None:
    """Check that the last checkpoint and the commits after it have not changed since they were written.

    Raises:
        Damaged: a file differs from what was written.
    """
    table = durable.local(uri)
    for problem in find_damage(table, _last_checkpoint(table)) if table else ():
        raise Damaged(f"{problem}; list all damage with `make verify`, then run `make restore`")


def find_damage(table: Path, checkpoint: int = -1) -> list[str]:
    """Return the problems of a table's log, one line per file.

    Args:
        table: the folder of the table.
        checkpoint: version of a checkpoint. Older checkpoints and the commits that it summarizes are not checked.
    """
    problems = []
    backups = _backups(table, checkpoint)  # before the commits: other processes may commit meanwhile
    commits = _commits(table, checkpoint)
    for version, backup in backups.items():
        if version not in commits:
            problems.append(f"{_commit(table, version)} is missing")
        elif not _matches(backup, commits[version]):
            problems.append(f"{commits[version]} differs from what was written")
        if not _matches(backup, backup):
            problems.append(f"{backup} differs from what was written")
    for version in commits.keys() - backups.keys():
        if problem := _commit_problem(commits[version].read_bytes()):
            problems.append(f"{commits[version]}: {problem}")
    for path in _checkpoints(table):
        if _version(path) >= checkpoint and _is_damaged(path):
            problems.append(f"{path} differs from what was written")
    return problems


def restore(table: Path) -> list[str]:
    """Repair what `find_damage` finds: commits from their backups, backups from their commits. Damaged checkpoints are deleted.

    A checkpoint only summarizes the commits before it, which the log keeps. A damaged last commit without a backup was never
    acknowledged, so it is deleted too.

    Returns:
        What was done, one line per file.
    """
    done = []
    backups, commits = _backups(table), _commits(table)
    for version, backup in backups.items():
        commit = _commit(table, version)
        if not _matches(backup, commit) and _matches(backup, backup):
            durable.write(commit, backup.read_bytes())
            done.append(f"{commit}: restored from its backup")
        elif not _matches(backup, backup) and _matches(backup, commit):
            durable.write(backup, commit.read_bytes())
            done.append(f"{backup}: restored from the log")
    last = max(commits, default=0)
    if commits and last not in backups and (problem := _commit_problem(commits[last].read_bytes())):
        commits[last].unlink()
        durable.sync([table / _LOG])
        done.append(f"{commits[last]}: deleted, {problem} and was never acknowledged")
    for checkpoint in _checkpoints(table):
        if _is_damaged(checkpoint):
            (table / _LOG / "_last_checkpoint").unlink(missing_ok=True)
            checkpoint.unlink()
            _digest_path(checkpoint).unlink(missing_ok=True)
            done.append(f"{checkpoint}: deleted, the commits that it summarizes exist")
    return done


def _commit_problem(commit: bytes) -> str | None:
    """Why these bytes are not a valid commit, or None."""
    if not commit:
        return "it is empty"
    try:
        actions = [json.loads(line) for line in commit.splitlines() if line]
    except ValueError as error:
        return f"it is not JSON ({error})"
    return None if any("commitInfo" in action for action in actions) else "it has no commitInfo"


def _is_damaged(checkpoint: Path) -> bool:
    """True if a checkpoint differs from its digest. Without a digest (its writer was killed): True if it cannot be read."""
    digest = _digest_path(checkpoint)
    if digest.exists():
        return digest.read_text() != _digest(checkpoint.read_bytes())
    try:
        pq.read_table(checkpoint)
    except (OSError, pa.ArrowException):
        return True
    return False


def _matches(backup: Path, file: Path) -> bool:
    """True if a file has the digest that is in the backup's name."""
    return file.is_file() and _digest(file.read_bytes()) == backup.stem.rpartition("-")[2]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _commit(table: Path, version: int) -> Path:
    return table / _LOG / f"{version:020}.json"


def _commits(table: Path, after: int = -1) -> dict[int, Path]:
    """Return version -> commit file in the log, of the versions after the given one."""
    return {int(path.stem): path for path in _files(table / _LOG, ".json", after) if path.stem.isdecimal()}


def _backups(table: Path, after: int = -1) -> dict[int, Path]:
    """Return version -> backup, which is named by version and SHA-256 of the commit, of the versions after the given one."""
    return {int(path.stem.partition("-")[0]): path for path in _files(table / _BACKUPS, ".json", after)}


def _checkpoints(table: Path) -> list[Path]:
    return [path for path in _files(table / _LOG, ".parquet") if ".checkpoint" in path.name]


def _files(folder: Path, suffix: str, after: int = -1) -> list[Path]:
    """Return the files of the versions after the given one, oldest first: names begin with the version in 20 digits."""
    names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208, four times as fast
    first = f"{after + 1:020}"
    return [folder / name for name in sorted(names) if name.endswith(suffix) and first <= name < ":"]


def _last_checkpoint(table: Path) -> int:
    """Return the version of the last checkpoint that was written by us, so from a checked log; -1 if there is none."""
    return max((_version(path) for path in _checkpoints(table) if _digest_path(path).exists()), default=-1)


def _version(checkpoint: Path) -> int:
    return int(checkpoint.name.partition(".")[0])


def _digest_path(checkpoint: Path) -> Path:
    return checkpoint.parents[1] / _BACKUPS / f"{checkpoint.name}.sha256"
