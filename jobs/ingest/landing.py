"""The landing: the files of a night, as sources write them and ingest reads them, in one folder per feed and day.

A folder `landing/<feed>/dt=YYYY-MM-DD` is complete when it contains `_SUCCESS`. On a disk, writers fill a temporary folder and
rename it, so that a night is either complete or absent. In an object store our `_SUCCESS` names the folder of the files, see
`landed_objects`; that of other systems is next to their files in both.
"""

import datetime as dt
import fcntl
import filecmp
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

from infra import durable
from infra.storage import AnyLocation, Location, entries
from jobs.platform.failpoint import failpoint

MARKER = "_SUCCESS"
"""Name of the file that marks a folder as complete."""

MANIFEST = "_manifest.json"
"""Name of the file that `jobs.ingest.manifest` adds to a complete folder."""

_WRITE = re.compile(rb"(\.[0-9a-f]{16})\n")
"""Content of a marker in an object store."""


def folder(landing: AnyLocation, feed: str, date: dt.date) -> AnyLocation:
    """Return the folder of a feed's night."""
    return cast(AnyLocation, landing / feed / f"dt={date}")


def content(folder: AnyLocation) -> AnyLocation:
    """Return the folder that contains the files of a night: the folder itself, or the one in it that its marker names."""
    try:
        match = _WRITE.fullmatch((folder / MARKER).read_bytes())
    except FileNotFoundError:
        return folder
    return cast(AnyLocation, folder / match[1].decode()) if match else folder


def source_files(folder: Location) -> list[Location]:
    """Return the files of a night's folder except those that we add, in alphabetical order."""
    return [path for path in entries(content(folder)) if path.is_file() and path.name not in (MARKER, MANIFEST)]


def copy(path: Location, folder: Path) -> None:
    """Copy a file into a folder of this machine."""
    with path.open("rb") as source, (folder / path.name).open("wb") as target:
        shutil.copyfileobj(source, target)


def is_complete(landing: Location, feed: str, date: dt.date) -> bool:
    """True if the folder of a feed's night is complete."""
    return (folder(landing, feed, date) / MARKER).is_file()


def nights(landing: Location, feed: str) -> list[dt.date]:
    """Return the complete nights of a feed, oldest first. A night that a killed process had moved away is put back first."""
    if isinstance(landing, Path):
        for replaced in (landing / feed).glob(".dt=????-??-??.old"):
            target = replaced.with_name(replaced.name.removeprefix(".").removesuffix(".old"))
            with _locked(_lock_of(target)):
                _put_back(target)
    days = []
    for marker in (landing / feed).glob(f"dt=????-??-??/{MARKER}"):
        with suppress(ValueError):  # the folder name is not a date
            days.append(dt.date.fromisoformat(marker.parent.name.removeprefix("dt=")))
    return sorted(days)


def write_folder(target: Location, write: Callable[[Path], None]) -> bool:
    """Write a night's folder. An existing folder with the same bytes stays untouched.

    On a disk, a temporary folder is filled, marked complete and renamed. A different existing folder is moved away first: between
    the two renames the night is missing, which `manifest.check` reports, but it is never incomplete.

    Args:
        target: the folder to write, see `folder`.
        write: writes the files into the empty folder that is passed to it.

    Returns:
        True if anything changed.

    Raises:
        LandedMeanwhile: the folder is in an object store, and another process wrote it meanwhile.
    """
    if not isinstance(target, Path):
        from jobs.ingest import landed_objects  # its packages are not needed on a disk

        return landed_objects.write_folder(target, write)
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


def has_leftovers(target: Location) -> bool:
    """True if a killed process left files behind that `write_folder` will delete."""
    if isinstance(target, Path):
        return False  # `nights` and `write_folder` delete them
    from jobs.ingest import landed_objects

    return bool(landed_objects.leftovers(target))


def remove_folder(target: Location) -> None:
    """Delete a night's folder."""
    if isinstance(target, Path):
        shutil.rmtree(target)
    else:
        from jobs.ingest import landed_objects

        landed_objects.remove_folder(target)


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
