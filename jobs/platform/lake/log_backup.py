"""Backups of a table's commits, in `_receipts` beside its log, to detect and repair damage to the log.

Delta trusts its log: it reads a commit file that a power cut left empty as a commit without rows, and the published rows silently
disappear. The backup of a commit is written before the writer reports success, so every reported commit has one. Jobs compare the
log with the backups before they read a table and before every commit. A commit without a backup was made by a writer that was
killed before it reported success; the next writer creates the backup.

Object stores get no backups: they never lose or truncate an acknowledged object.
"""

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import PostCommitHookProperties

from infra import durable
from jobs.platform.errors import BadInput

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
    """Flush the table's checkpoints to the disk, and write their digests."""
    table = durable.local(uri)
    for checkpoint in _checkpoints(table) if table else ():
        durable.sync([checkpoint])
        durable.write(_digest_path(checkpoint), _digest(checkpoint.read_bytes()).encode())


def check(uri: str) -> None:
    """Check that the log has not changed since it was written.

    Raises:
        Damaged: a file differs from what was written.
    """
    table = durable.local(uri)
    for problem in find_damage(table) if table else ():
        raise Damaged(f"{problem}; list all damage with `make verify`, then run `make restore`")


def find_damage(table: Path) -> list[str]:
    """Return the problems of a table's log, one line per file."""
    problems = []
    backups = _backups(table)  # before the commits: other processes may commit meanwhile
    commits = _commits(table)
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
    problems += [
        f"{checkpoint} differs from what was written" for checkpoint in _checkpoints(table) if _is_damaged(checkpoint)
    ]
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


def _commits(table: Path) -> dict[int, Path]:
    """Return version -> commit file in the log."""
    return {int(path.stem): path for path in sorted((table / _LOG).glob("*.json")) if path.stem.isdecimal()}


def _backups(table: Path) -> dict[int, Path]:
    """Return version -> backup, which is named by version and SHA-256 of the commit."""
    return {int(path.stem.partition("-")[0]): path for path in sorted((table / _BACKUPS).glob("*-*.json"))}


def _checkpoints(table: Path) -> list[Path]:
    return sorted((table / _LOG).glob("*.checkpoint*.parquet"))


def _digest_path(checkpoint: Path) -> Path:
    return checkpoint.parents[1] / _BACKUPS / f"{checkpoint.name}.sha256"
