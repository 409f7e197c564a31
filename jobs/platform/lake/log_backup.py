"""A copy of every commit beside a table's log, by which damage to the log is seen and undone.

Delta believes its log: a commit file that a power cut left empty is read as a commit without rows, and what it had published
is gone without a word. A receipt is written after the commit and before the writer reports success, so whatever was
reported has one. Log and receipts are compared before every read of a table by a job and before every commit; a commit without
a receipt was made by a writer that was killed before it reported, and is given one by the next.

On an object store, which keeps an object whole once it has acknowledged it, there are no receipts.
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
"""For every commit by delta-rs, which would otherwise delete commits of a month ago, and write checkpoints without a digest."""

_LOG = "_delta_log"
_RECEIPTS = "_receipts"


class Damaged(BadInput):
    """A file of a table is not what was written: nothing may be built on it before it is restored."""


def write(uri: str, version: int) -> None:
    """Have every commit up to `version` on the disk, with a receipt.

    Raises:
        Damaged: a commit cannot be read, so that no receipt can be given.
    """
    table = durable.local(uri)
    if table is None:
        return
    given = _receipts(table)
    for made, commit in _commits(table).items():
        if made > version or made in given:
            continue
        durable.sync([commit])
        content = commit.read_bytes()
        if problem := _unreadable(content):
            raise Damaged(f"{commit}: {problem}; see what is damaged with: make verify")
        durable.write(table / _RECEIPTS / f"{commit.stem}-{_digest(content)}.json", content)
    durable.sync([table / _LOG])


def write_checkpoint(uri: str) -> None:
    """Have the table's last checkpoint on the disk, and keep its digest."""
    table = durable.local(uri)
    for checkpoint in _checkpoints(table) if table else ():
        durable.sync([checkpoint])
        durable.write(_digest_of(checkpoint), _digest(checkpoint.read_bytes()).encode())


def check(uri: str) -> None:
    """Make sure that the log says what it said when it was written.

    Raises:
        Damaged: it does not; names the file.
    """
    table = durable.local(uri)
    for problem in damage(table) if table else ():
        raise Damaged(f"{problem}; see all that is damaged with `make verify`, then `make restore`")


def damage(table: Path) -> list[str]:
    """What is wrong with a table's log, a line a file."""
    found = []
    receipts = _receipts(table)  # before the commits: others may be committing meanwhile
    commits = _commits(table)
    for version, receipt in receipts.items():
        if version not in commits:
            found.append(f"{_commit(table, version)} is missing")
        elif not _is_what(receipt, commits[version]):
            found.append(f"{commits[version]} is not what was written")
        if not _is_what(receipt, receipt):
            found.append(f"{receipt} is not what was written")
    for version in commits.keys() - receipts.keys():
        if problem := _unreadable(commits[version].read_bytes()):
            found.append(f"{commits[version]}: {problem}")
    found += [f"{checkpoint} is not what was written" for checkpoint in _checkpoints(table) if _is_torn(checkpoint)]
    return found


def restore(table: Path) -> list[str]:
    """Put back what `damage` finds: a commit from its receipt, a receipt from its commit; a checkpoint is taken away.

    A checkpoint only sums up the commits before it, all of which the log keeps. A last commit that was never whole was never
    acknowledged either: it is taken away as well.

    Returns:
        What was done, a line a file.
    """
    done = []
    receipts, commits = _receipts(table), _commits(table)
    for version, receipt in receipts.items():
        commit = _commit(table, version)
        if not _is_what(receipt, commit) and _is_what(receipt, receipt):
            durable.write(commit, receipt.read_bytes())
            done.append(f"{commit}: put back from its receipt")
        elif not _is_what(receipt, receipt) and _is_what(receipt, commit):
            durable.write(receipt, commit.read_bytes())
            done.append(f"{receipt}: put back from the log")
    last = max(commits, default=0)
    if commits and last not in receipts and (problem := _unreadable(commits[last].read_bytes())):
        commits[last].unlink()
        durable.sync([table / _LOG])
        done.append(f"{commits[last]}: taken away, {problem} and was never acknowledged")
    for checkpoint in _checkpoints(table):
        if _is_torn(checkpoint):
            (table / _LOG / "_last_checkpoint").unlink(missing_ok=True)
            checkpoint.unlink()
            _digest_of(checkpoint).unlink(missing_ok=True)
            done.append(f"{checkpoint}: taken away, the commits it sums up are there")
    return done


def _unreadable(commit: bytes) -> str | None:
    """Why the content of a commit file is none; None if it is one."""
    if not commit:
        return "it is empty"
    try:
        actions = [json.loads(line) for line in commit.splitlines() if line]
    except ValueError as error:
        return f"it is no JSON ({error})"
    return None if any("commitInfo" in action for action in actions) else "it says nothing of who made it"


def _is_torn(checkpoint: Path) -> bool:
    """Whether a checkpoint is not what was written, or, if it has no digest since its writer was killed, cannot be read."""
    digest = _digest_of(checkpoint)
    if digest.exists():
        return digest.read_text() != _digest(checkpoint.read_bytes())
    try:
        pq.read_table(checkpoint)
    except (OSError, pa.ArrowException):
        return True
    return False


def _is_what(receipt: Path, file: Path) -> bool:
    """Whether a file holds what a receipt, by its name, was given for."""
    return file.is_file() and _digest(file.read_bytes()) == receipt.stem.rpartition("-")[2]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _commit(table: Path, version: int) -> Path:
    return table / _LOG / f"{version:020}.json"


def _commits(table: Path) -> dict[int, Path]:
    """Version -> its file in the log."""
    return {int(path.stem): path for path in sorted((table / _LOG).glob("*.json")) if path.stem.isdecimal()}


def _receipts(table: Path) -> dict[int, Path]:
    """Version -> its receipt, named by version and SHA-256 of the commit."""
    return {int(path.stem.partition("-")[0]): path for path in sorted((table / _RECEIPTS).glob("*-*.json"))}


def _checkpoints(table: Path) -> list[Path]:
    return sorted((table / _LOG).glob("*.checkpoint*.parquet"))


def _digest_of(checkpoint: Path) -> Path:
    return checkpoint.parents[1] / _RECEIPTS / f"{checkpoint.name}.sha256"
