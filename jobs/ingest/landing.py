"""The landing: a night's files as sources lay them and as ingest finds them, one folder a feed and day.

A folder `landing/<feed>/dt=YYYY-MM-DD` is complete once `_SUCCESS` is in it. Whoever lays files builds the folder aside and
renames it, so that a night is there whole or not at all.
"""

import datetime as dt
import fcntl
import filecmp
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from infra import durable
from jobs.platform.failpoint import failpoint

MARKER = "_SUCCESS"
"""Says that a folder is complete."""


def folder(landing: Path, feed: str, date: dt.date) -> Path:
    """Where a feed's files of one night lie."""
    return landing / feed / f"dt={date}"


def is_complete(landing: Path, feed: str, date: dt.date) -> bool:
    """Whether a feed's night has been laid to its end."""
    return (folder(landing, feed, date) / MARKER).is_file()


def nights(landing: Path, feed: str) -> list[dt.date]:
    """The nights of a feed that are complete, oldest first; with one that a killed process had moved away."""
    for replaced in (landing / feed).glob(".dt=????-??-??.old"):
        target = replaced.with_name(replaced.name.removeprefix(".").removesuffix(".old"))
        with _locked(_lock_of(target)):
            _put_back(target)
    found = []
    for marker in (landing / feed).glob(f"dt=????-??-??/{MARKER}"):
        with suppress(ValueError):  # a folder that somebody named like a night is none
            found.append(dt.date.fromisoformat(marker.parent.name.removeprefix("dt=")))
    return sorted(found)


def write_folder(target: Path, write: Callable[[Path], None]) -> bool:
    """Build a night's folder aside, mark it complete and put it in place by renaming.

    A folder with the same bytes stays as it is. Another one is moved away first: between the two renames the night is missing,
    which `landed_files.check` says, but never half there.

    Args:
        target: the folder to lay, see `folder`.
        write: writes the files into the empty folder that it is given.

    Returns:
        Whether anything changed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.new")
    replaced = _moved_away(target)
    with _locked(_lock_of(target)):
        _put_back(target)
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        try:
            write(aside)
            (aside / MARKER).touch()
            failpoint("written")
            changed = not _same_files(aside, target)
            if changed:
                durable.sync([*aside.iterdir(), aside])
                if target.exists():
                    target.rename(replaced)
                    failpoint("moved")
                aside.rename(target)
                durable.sync([target.parent])
        finally:
            _put_back(target)
            shutil.rmtree(aside, ignore_errors=True)
    return changed


def _lock_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.lock")


def _moved_away(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def _put_back(target: Path) -> None:
    """Remove the folder that was moved away for another one, or put it back where that one never came."""
    replaced = _moved_away(target)
    if replaced.exists() and not target.exists():
        replaced.rename(target)
    shutil.rmtree(replaced, ignore_errors=True)


def _same_files(one: Path, other: Path) -> bool:
    if not other.is_dir():
        return False
    names = sorted(path.name for path in one.iterdir())
    if names != sorted(path.name for path in other.iterdir()):
        return False
    return filecmp.cmpfiles(one, other, names, shallow=False)[0] == names


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock file while nobody else does; the system frees it when the process ends, however it ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
