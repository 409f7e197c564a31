"""Write a night's folder to an object store, where folders cannot be renamed.

Each write puts its files into a new hidden folder, `dt=DAY/.WRITE/`, and then the name of that folder into the marker,
`dt=DAY/_SUCCESS`. This one put replaces the night: readers see all old files or all new ones, and a kill at any moment leaves one
or the other. It is a conditional put, so if two processes write a night at once, the later one fails, and no lock is needed. Then
the old files are deleted. Files that a killed process left behind are deleted by the next write of the night.
"""

import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from upath import UPath

from infra.object_store import delete, files, read_version, replace_version, upload
from infra.storage import Location, entries
from jobs.ingest.landing import MANIFEST, MARKER, content
from jobs.ingest.manifest import sha256
from jobs.platform.errors import NightreelError
from jobs.platform.failpoint import failpoint


class LandedMeanwhile(NightreelError):
    """Another process wrote the night after this one started (EX_TEMPFAIL): start again from the current files."""

    exit_code = 75


def write_folder(target: UPath, write: Callable[[Path], None]) -> bool:
    """Write a night's folder, see `landing.write_folder`.

    Raises:
        LandedMeanwhile: another process wrote the night meanwhile.
    """
    before = read_version(target / MARKER)
    current = content(target)
    with TemporaryDirectory() as scratch:
        aside = Path(scratch)
        write(aside)
        (aside / MARKER).touch()
        failpoint("written")
        if current != target and not leftovers(target) and _same_files(aside, current):
            return False
        new = target / f".{secrets.token_hex(8)}"
        # Only what is there before the night is replaced is deleted: later files may belong to a later write.
        old = [path for path in files(target) if path != target / MARKER]
        for path in sorted(aside.iterdir()):
            upload(path, new / path.name)
            failpoint("uploaded")
    if not replace_version(target / MARKER, before, f"{new.name}\n".encode()):
        delete(files(new))
        raise LandedMeanwhile(f"{target} was written by another process meanwhile; run this again")
    failpoint("moved")
    delete(old)
    return True


def leftovers(target: UPath) -> list[UPath]:
    """Return the files of a night that killed processes left behind; none if other systems wrote the night."""
    current = content(target)
    return [path for path in files(target) if current not in (target, path.parent) and path != target / MARKER]


def remove_folder(target: UPath) -> None:
    """Delete a night's folder, first its marker: the night then counts as missing."""
    (target / MARKER).unlink(missing_ok=True)
    delete(files(target))


def _same_files(aside: Path, folder: UPath) -> bool:
    return _digests(entries(aside)) == _digests(path for path in files(folder) if path.name != MANIFEST)


def _digests(paths: Iterable[Location]) -> dict[str, str]:
    return {path.name: sha256(path) for path in paths}
