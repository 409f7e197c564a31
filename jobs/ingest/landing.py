"""The landing: a night's files as sources lay them and as ingest finds them, one folder a feed and day.

A folder `landing/<feed>/dt=YYYY-MM-DD` is complete once `_SUCCESS` is in it. Whoever lays files builds the folder aside and
renames it, so that a night is there whole or not at all.
"""

import datetime as dt
import fcntl
import filecmp
import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from jobs.ingest.gzip_lines import count_lines
from jobs.platform import durable
from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.failpoint import failpoint

_log = logging.getLogger(__name__)

BEHAVIOR_LOGS = "behavior_logs"
USERS = "users"
VIDEOS = "videos"
VIDEO_STATISTICS = "video_statistics"
WATCH_HISTORY = "watch_history"
CAMPAIGNS = "campaigns"

MARKER = "_SUCCESS"

_HEADERS = {
    BEHAVIOR_LOGS: "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab",
    USERS: "user_id,user_active_degree,is_lowactive_period,is_live_streamer,is_video_author,follow_user_num,"
    "follow_user_num_range,fans_user_num,fans_user_num_range,friend_user_num,friend_user_num_range,register_days,"
    "register_days_range," + ",".join(f"onehot_feat{number}" for number in range(18)),
    VIDEOS: "video_id,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,server_width,server_height,"
    "music_id,music_type,tag",
    CAMPAIGNS: "campaign_id,name,advertiser,tag,video_id,bid,budget",
}

COLUMNS: Mapping[str, tuple[str, ...]] = {feed: tuple(header.split(",")) for feed, header in _HEADERS.items()}
"""The header of each feed that a night must have, in order; the first is the log, the others are snapshots of the day's end.

Whatever columns the log has after these are kept in bronze, and reported.
"""

OPTIONAL_COLUMNS: Mapping[str, tuple[str, ...]] = {VIDEOS: ("title",)}
"""Columns that may follow those of COLUMNS."""


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
    found = (landing / feed).glob(f"dt=????-??-??/{MARKER}")
    return sorted(dt.date.fromisoformat(marker.parent.name.removeprefix("dt=")) for marker in found)


def lay(target: Path, write: Callable[[Path], None]) -> bool:
    """Build a night's folder aside, mark it complete and put it in place by renaming.

    A folder with the same bytes stays as it is. Another one is moved away first: between the two renames the night is missing,
    which `check` says, but never half there.

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
            failpoint("laid")
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


def check(landing: Path, date: dt.date) -> dict[str, dict[str, int]]:
    """Prove that a night's landing is complete and sound, before anything is written from it.

    Every byte is read: each gzip file to its end with its checksum, each header to the letter.

    Returns:
        For each feed of COLUMNS the data lines of each file by name: the count that ingest is held to.

    Raises:
        MissingInput: a feed of the night has not been laid, or not to its end.
        BadInput: a folder holds no file or a strange one; a file is damaged, has another header, or no row.
    """
    return {feed: data_lines(landing, feed, date) for feed in COLUMNS}


def digest(landing: Path, feed: str, date: dt.date) -> str:
    """SHA-256 over the names and bytes of a night's files, 16 hexadecimal digits; empty unless the night is complete."""
    if not is_complete(landing, feed, date):
        return ""
    sha = hashlib.sha256()
    for path in sorted(folder(landing, feed, date).iterdir()):
        with path.open("rb") as file:
            sha.update(f"{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return sha.hexdigest()[:16]


def data_lines(landing: Path, feed: str, date: dt.date) -> dict[str, int]:
    """As `check`, for one feed: the data lines of each of its files by name."""
    where = folder(landing, feed, date)
    if not is_complete(landing, feed, date):
        state = f"is not complete: it has no {MARKER}" if where.is_dir() else "does not exist"
        raise MissingInput(f"{where} {state}", hint=f"land the {feed} of {date}, {MARKER} last")
    files = [path for path in sorted(where.iterdir()) if not path.name.startswith(("_", "."))]
    for path in files:
        if not path.name.endswith(".csv.gz") or not path.is_file():
            raise BadInput(f"{path} is no .csv.gz file; only these are read, so take it away or land it in that form")
    if not files:
        raise BadInput(f"{where} holds no .csv.gz file; land the {feed} of {date} again")
    counts = {path.name: _checked(path, feed) for path in files}
    if not any(counts.values()):
        raise BadInput(f"{where} holds a header but no row; land the {feed} of {date} again")
    return counts


def _checked(path: Path, feed: str) -> int:
    lines = count_lines(path)
    columns = tuple(lines.header.split(","))
    expected = COLUMNS[feed]
    more = columns[len(expected) :] if columns[: len(expected)] == expected else ()
    if more and all(more) and feed == BEHAVIOR_LOGS:
        _log.warning("%s has columns that nobody reads yet: %s; bronze keeps them", path, ", ".join(more))
    elif columns not in (expected, expected + OPTIONAL_COLUMNS.get(feed, ())):
        raise BadInput(
            f"{path} has another header than {feed}: {_difference(columns, expected)}; land it with {','.join(expected)}"
        )
    return lines.data_lines


def _difference(columns: tuple[str, ...], expected: tuple[str, ...]) -> str:
    for position, (found, wanted) in enumerate(zip(columns, expected, strict=False), 1):
        if found != wanted:
            return f"column {position} is {found[:40]!r}, not {wanted!r}"
    return f"{len(columns)} columns, not {len(expected)}"


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
