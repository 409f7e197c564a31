"""The files of a night: which files of a folder are read, and with which mapping.

The check of the landing and ingest use the same functions, so that exactly the checked files are read.
"""

import datetime as dt
import logging
from difflib import get_close_matches

from infra.storage import Location, entries
from jobs.ingest.feeds import BEHAVIOR_LOGS, FEEDS, OPTIONAL
from jobs.ingest.formats import names
from jobs.ingest.landing import MANIFEST, MARKER, content, folder, is_complete
from jobs.ingest.mapping import Mapping, default, load
from jobs.platform.errors import BadInput, MissingInput, UsageError

_log = logging.getLogger(__name__)

MAPPING = "_mapping.yaml"
"""Name of the mapping in a folder. Without it the files are the feed's own CSV."""

_JUNK = frozenset({"thumbs.db", "desktop.ini"})


def mapping(landing: Location, feed: str, date: dt.date) -> Mapping:
    """Return the mapping of a night's files: the mapping next to them, otherwise that of the feed's own CSV.

    Raises:
        UsageError: the file is not a valid mapping of the feed.
    """
    path = content(folder(landing, feed, date)) / MAPPING
    if not path.exists():
        return default(FEEDS[feed])
    loaded = load(path)
    if loaded.feed != feed:
        raise UsageError(f"{path} maps {loaded.feed}, not {feed}; land it with the files of {loaded.feed}")
    return loaded


def files(landing: Location, feed: str, date: dt.date) -> dict[str, Location]:
    """Return the files of a night by name, for the check of the landing and for ingest.

    Hidden files and files that other systems leave behind (`.DS_Store`, `.crc`, `Thumbs.db`, folders such as `_temporary`) are
    ignored. An optional feed whose folder does not exist has no files.

    Raises:
        MissingInput: the folder does not exist or is not complete.
        BadInput: the folder contains no file or an unexpected one, or a file lacks a required column.
    """
    night_folder = folder(landing, feed, date)
    if feed in OPTIONAL and not night_folder.is_dir():
        return {}
    if not is_complete(landing, feed, date):
        state = f"is not complete: it has no {MARKER}" if night_folder.is_dir() else "does not exist"
        raise MissingInput(f"{night_folder} {state}", hint=f"land the {feed} of {date}, {MARKER} last")
    feed_mapping = mapping(landing, feed, date)
    night_folder = content(night_folder)
    has_mapping = (night_folder / MAPPING).exists()
    suffix = feed_mapping.files.removeprefix("*")
    paths = entries(night_folder)
    suffixes = (
        {path.suffix.lower() for path in paths if path.suffix and path.name[0] not in "._"} if has_mapping else {suffix}
    )
    feed_files = {path.name: path for path in paths if not _is_ignored(path, suffixes)}
    for path in feed_files.values():
        if not path.is_file() or not (has_mapping or path.name.lower().endswith(suffix)):
            raise BadInput(
                f"{path} is not a {'file' if has_mapping else f'{suffix} file'}; only these are read: remove it, or land it with "
                "a mapping"
            )
        if not path.name.isprintable():  # bytes that are not UTF-8 are not printable either
            raise BadInput(f"{night_folder} contains a file with an unprintable name, {path.name!r}; rename it")
        if path.name.startswith("_"):
            raise BadInput(f"{path}: files whose name begins with _ are not read; rename it")
        _check_names(path, feed_mapping)
    if not feed_files:
        raise BadInput(
            f"{night_folder} contains no {'' if has_mapping else f'{suffix} '}file; land the {feed} of {date} again"
        )
    return feed_files


def _is_ignored(path: Location, suffixes: set[str]) -> bool:
    """True if a path is not a file of the feed. Files of the feed have one of the suffixes."""
    if is_hidden(path) or path.name in (MARKER, MANIFEST, MAPPING):
        return True
    # Some tools ignore names that begin with _. A file of the feed with such a name is refused, so it is not ignored here.
    return path.name.startswith("_") and not (path.is_file() and path.name.lower().endswith(tuple(suffixes)))


def is_hidden(path: Location) -> bool:
    """True if systems leave files of this name behind, so that they are no part of the landing."""
    return path.name.startswith(".") or path.name.lower() in _JUNK


def _check_names(path: Location, mapping: Mapping) -> None:
    header = names(path, mapping.format)
    if header is None:
        return  # each line has its own names
    feed = FEEDS[mapping.feed]
    if mapping.columns is None:
        missing = [name for name in feed.required if name not in header]
        remedy = f"land it with {','.join(feed.required)}"
    else:
        columns = mapping.columns.values()
        missing = [s.column for s in columns if s.column and s.default is None and s.column not in header]
        remedy = "its mapping uses them: correct the mapping, or give a default"
    if missing:
        similar = get_close_matches(missing[0], header, 1)
        has = f"it has {similar[0]!r}" if similar else f"its first is {header[0][:40]!r}"
        raise BadInput(f"{path} has no column {', '.join(missing)} ({has}); {remedy}")
    if mapping.columns is None and (unknown := [name for name in header if name not in feed.columns]):
        note = "; they are kept in bronze" if feed.name == BEHAVIOR_LOGS else ""
        _log.warning("%s has unknown columns: %s%s", path, ", ".join(unknown), note)


def no_row(landing: Location, feed: str, date: dt.date) -> str:
    """Return the error message for a night's feed that has files but no row."""
    return f"{folder(landing, feed, date)} contains a header but no row; land the {feed} of {date} again"
