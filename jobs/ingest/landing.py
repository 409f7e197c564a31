"""The landing: the files of a night, as sources write them and ingest reads them, in one folder per feed and day.

A folder `landing/<feed>/dt=YYYY-MM-DD` is complete when it contains `_SUCCESS`. Writers fill a temporary folder and rename it, so
that a night is either complete or absent.
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
"""Name of the file that marks a folder as complete."""

MANIFEST = "_manifest.json"
"""Name of the file that `jobs.ingest.manifest` adds to a complete folder."""


def folder(landing: Path, feed: str, date: dt.date) -> Path:
    """Return the folder of a feed's files of one night."""
    return landing / feed / f"dt={date}"


def source_files(folder: Path) -> list[Path]:
    """Return the files of a folder except those that we add, in alphabetical order."""
    return sorted(path for path in folder.iterdir() if path.is_file() and path.name not in (MARKER, MANIFEST))


def is_complete(landing: Path, feed: str, date: dt.date) -> bool:
    """True if the folder of a feed's night is complete."""
    return (folder(landing, feed, date) / MARKER).is_file()


def nights(landing: Path, feed: str) -> list[dt.date]:
    """Return the complete nights of a feed, oldest first. A night that a killed process had moved away is put back first."""
    for replaced in (landing / feed).glob(".dt=????-??-??.old"):
        target = replaced.with_name(replaced.name.removeprefix(".").removesuffix(".old"))
        with _locked(_lock_of(target)):
            _put_back(target)
    days = []
    for marker in (landing / feed).glob(f"dt=????-??-??/{MARKER}"):
        with suppress(ValueError):  # the folder name is not a date
            days.append(dt.date.fromisoformat(marker.parent.name.removeprefix("dt=")))
    return sorted(days)


def write_folder(target: Path, write: Callable[[Path], None]) -> bool:
    """Write a night's folder: fill a temporary folder, mark it complete and rename it.

    An existing folder with the same bytes stays untouched. A different one is moved away first: between the two renames the night
    is missing, which `manifest.check` reports, but it is never incomplete.

    Args:
        target: the folder to write, see `folder`.
        write: writes the files into the empty folder that is passed to it.

    Returns:
        True if anything changed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.new")
    replaced = _old_folder(target)
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


def _old_folder(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def _put_back(target: Path) -> None:
    """Delete the folder that was moved away, or put it back if the new one was never put in its place."""
    replaced = _old_folder(target)
    if replaced.exists() and not target.exists():
        replaced.rename(target)
    shutil.rmtree(replaced, ignore_errors=True)


def _same_files(one: Path, other: Path) -> bool:
    if not other.is_dir():
        return False
    names, other_names = (
        sorted(path.name for path in folder.iterdir() if path.name != MANIFEST) for folder in (one, other)
    )
    if names != other_names:
        return False
    return filecmp.cmpfiles(one, other, names, shallow=False)[0] == names


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file. The system releases it when the process ends, even if it is killed."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
