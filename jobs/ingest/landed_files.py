"""A night's files as they are read: which of a folder's files, how, and whether they are sound.

The landing's check and ingest ask the same functions, so that what is accepted is what is read.
"""

import datetime as dt
import hashlib
import logging
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from jobs.ingest.feeds import BEHAVIOR_LOGS, CAMPAIGNS, FEEDS, NIGHTLY
from jobs.ingest.formats import ERASED, names, records
from jobs.ingest.landing import MARKER, folder, is_complete
from jobs.ingest.mapping import Mapping, default, load
from jobs.platform.errors import BadInput, MissingInput, UsageError

_log = logging.getLogger(__name__)

MAPPING = "_mapping.yaml"
"""Says how the files of a folder are read, where they are not the feed's own CSV."""

_JUNK = frozenset({"thumbs.db", "desktop.ini"})


def mapping(landing: Path, feed: str, date: dt.date) -> Mapping:
    """How the files of a night are read: by the mapping that lies beside them, or else as the feed's own CSV.

    Raises:
        UsageError: what lies there is no mapping of the feed.
    """
    given = folder(landing, feed, date) / MAPPING
    if not given.exists():
        return default(FEEDS[feed])
    found = load(given)
    if found.feed != feed:
        raise UsageError(f"{given} maps {found.feed}, not {feed}; land it with that feed")
    return found


def files(landing: Path, feed: str, date: dt.date) -> dict[str, Path]:
    """The files of a night by name: what is read of it, by the landing's check and by ingest alike.

    Hidden files, and those that other systems leave behind (`.DS_Store`, `.crc`, `Thumbs.db`, folders such as `_temporary`), are
    passed over.

    Raises:
        MissingInput: the feed of the night has not been laid, or not to its end.
        BadInput: the folder holds no file or a strange one, or a file lacks a column that the feed must have.
    """
    where = folder(landing, feed, date)
    if not is_complete(landing, feed, date):
        state = f"is not complete: it has no {MARKER}" if where.is_dir() else "does not exist"
        raise MissingInput(f"{where} {state}", hint=f"land the {feed} of {date}, {MARKER} last")
    how = mapping(landing, feed, date)
    mapped = (where / MAPPING).exists()
    suffix = how.files.removeprefix("*")
    there = sorted(where.iterdir())
    suffixes = (
        {path.suffix.lower() for path in there if path.suffix and path.name[0] not in "._"} if mapped else {suffix}
    )
    found = {path.name: path for path in there if not _is_passed_over(path, suffixes)}
    for path in found.values():
        if not path.is_file() or not (mapped or path.name.lower().endswith(suffix)):
            raise BadInput(
                f"{path} is no {'file' if mapped else f'{suffix} file'}; only these are read, so take it away, or land it with a "
                "mapping"
            )
        if not path.name.isprintable():  # nor are bytes that are no UTF-8
            raise BadInput(f"{where} holds a file with an unprintable name, {path.name!r}; give it another one")
        if path.name.startswith("_"):
            raise BadInput(f"{path} has a name of those that are not read; give it one that does not begin with _")
        _check_names(path, how)
    if not found:
        raise BadInput(f"{where} holds no {'' if mapped else f'{suffix} '}file; land the {feed} of {date} again")
    return found


def _is_passed_over(path: Path, suffixes: set[str]) -> bool:
    """Whether a path is none of the feed's files, which all have one of the suffixes."""
    if _is_hidden(path) or path.name in (MARKER, MAPPING):
        return True
    # Some tools do not see a file with such a name: one that is a part of the feed by its suffix is refused instead.
    return path.name.startswith("_") and not (path.is_file() and path.name.lower().endswith(tuple(suffixes)))


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name.lower() in _JUNK


def _check_names(path: Path, how: Mapping) -> None:
    header = names(path, how.format)
    if header is None:
        return  # each line has names of its own
    feed = FEEDS[how.feed]
    if how.columns is None:
        missing = [name for name in feed.required if name not in header]
        remedy = f"land it with {','.join(feed.required)}"
    else:
        missing = [s.column for s in how.columns.values() if s.column and s.default is None and s.column not in header]
        remedy = "its mapping names them: mend the mapping, or give a default"
    if missing:
        near = get_close_matches(missing[0], header, 1)
        has = f"it has {near[0]!r}" if near else f"its first is {header[0][:40]!r}"
        raise BadInput(f"{path} has another header than {feed.name}: no column {', '.join(missing)} ({has}); {remedy}")
    if how.columns is None and (more := [name for name in header if name not in feed.columns]):
        kept = "; bronze keeps them" if feed.name == BEHAVIOR_LOGS else ""
        _log.warning("%s has columns that nobody reads yet: %s%s", path, ", ".join(more), kept)


def check(landing: Path, date: dt.date, may_be_empty: bool = False) -> dict[str, dict[str, int]]:
    """Prove that a night's landing is complete and sound, before anything is written from it.

    Every byte is read, by the function that ingest reads with.

    Args:
        landing: the landing.
        date: the night.
        may_be_empty: whether the log may have no row.

    Returns:
        For each feed that a night must have the rows of each file by name; those of erased users are none.

    Raises:
        MissingInput: a feed of the night has not been laid, or not to its end.
        BadInput: a folder holds no file or a strange one; a file is damaged, lacks a column, or the feed has no row.
    """
    found = {}
    for feed in NIGHTLY:
        found[feed] = rows(landing, feed, date)
        if not sum(found[feed].values()) and feed != CAMPAIGNS and not (may_be_empty and feed == BEHAVIOR_LOGS):
            raise BadInput(no_row(landing, feed, date))
    return found


def has_row(files: Iterable[Path], how: Mapping) -> bool:
    """Whether any of the files has a row."""
    return any(next(records(path, how.format), None) for path in files)


def no_row(landing: Path, feed: str, date: dt.date) -> str:
    """What to say of a night's feed that has files but no row."""
    return f"{folder(landing, feed, date)} holds a header but no row; land the {feed} of {date} again"


def rows(landing: Path, feed: str, date: dt.date) -> dict[str, int]:
    """The rows of each file of a night's feed by name, read to its end; see `check`."""
    how = mapping(landing, feed, date)
    return {
        name: sum(record.problem != ERASED for record in records(path, how.format))
        for name, path in files(landing, feed, date).items()
    }


def digest(landing: Path, feed: str, date: dt.date) -> str:
    """SHA-256 over the names and bytes of a night's files, 16 hexadecimal digits; empty unless the night is complete."""
    if not is_complete(landing, feed, date):
        return ""
    sha = hashlib.sha256()
    for path in sorted(folder(landing, feed, date).iterdir()):
        if path.is_file() and not _is_hidden(path):
            with path.open("rb") as file:
                sha.update(f"{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return sha.hexdigest()[:16]
