"""Takes erased users out of the landing: the files of sources have real ids, and every night run again reads them.

A line of the log becomes the one word `erased`, so that the others keep their line numbers and the books can count it. A row
of a snapshot or a history has no number and goes.
"""

import datetime as dt
import gzip
import re
import shutil
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.ingest import landing
from jobs.ingest.gzip_file import write_gzip
from jobs.platform import erasure
from jobs.platform.pseudonym import key, pseudonym
from jobs.platform.settings import Settings

ERASED = "erased"
FEEDS = (landing.BEHAVIOR_LOGS, landing.USERS, landing.WATCH_HISTORY)
"""The feeds that have user ids, each in its first column."""

_USER_ID = re.compile(rb'[\s"]*(\d{1,19})(?:\.0*)?[\s"]*')

IsErased = Callable[[bytes], bool]
"""Whether the text of a first column is the id of an erased user, in blanks and quotes as well."""


def judge(settings: Settings) -> IsErased:
    """Who is erased, by the list as it is now.

    Raises:
        UsageError: the list was made with another key than the lake's.
    """
    listed = erasure.read(settings)
    secret = key(settings) if listed else b""
    erasure.check_key(settings, secret)

    @lru_cache(maxsize=1 << 20)
    def is_erased(text: bytes) -> bool:
        found = _USER_ID.fullmatch(text) if listed else None
        return found is not None and erasure.digest(pseudonym(int(found[1]), secret)) in listed

    return is_erased


def redact(root: Path, feed: str, date: dt.date, is_erased: IsErased) -> int:
    """Take erased users out of a complete night of a feed; how many lines that were."""
    where = landing.folder(root, feed, date)
    held = {path: _held(path, is_erased) for path in sorted(where.iterdir()) if path.name != landing.MARKER}

    def write(aside: Path) -> None:
        for path, lines in held.items():
            if not lines:
                shutil.copyfile(path, aside / path.name)
            elif path.suffix == ".parquet":
                rows = pq.read_table(path)
                pq.write_table(rows.filter(_kept(rows, is_erased)), aside / path.name)
            else:
                write_gzip(aside / path.name, _without(path, is_erased, b"erased\n" * (feed == landing.BEHAVIOR_LOGS)))

    if any(held.values()):
        landing.lay(where, write)
    return sum(held.values())


def count(root: Path, date: dt.date) -> int:
    """How many lines of a night's log are of erased users."""
    files = sorted(landing.folder(root, landing.BEHAVIOR_LOGS, date).glob("*.csv.gz"))
    return sum(line.strip() == ERASED.encode() for path in files for line in _lines(path))


def _held(path: Path, is_erased: IsErased) -> int:
    if path.suffix == ".parquet":
        rows = pq.read_table(path, columns=["user_id"])
        return len(rows) - sum(_kept(rows, is_erased).to_pylist())
    return sum(is_erased(line.partition(b",")[0]) for line in _lines(path))


def _kept(rows: pa.Table, is_erased: IsErased) -> pa.Array:
    return pa.array(not is_erased(str(user_id).encode()) for user_id in rows["user_id"].to_pylist())


def _lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as file:
        yield from file


def _without(path: Path, is_erased: IsErased, instead: bytes) -> Iterator[bytes]:
    for line in _lines(path):
        yield instead if is_erased(line.partition(b",")[0]) else line
