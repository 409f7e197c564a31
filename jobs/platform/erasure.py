"""The erasure list: users whose rows were removed from all tables and must never be written again.

The list is stored outside the lake. It names nobody: it contains the SHA-256 digest of each pseudonym.
The first line has the fingerprint of the key that the pseudonyms were made with, because under another key nobody on the list
would be recognised. Users are only ever appended, so the lake can check by a version (`lake.identity`) whether a list contains
everyone who was erased from it.
"""

import fcntl
import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from infra import durable
from infra.storage import Location
from jobs.platform.errors import NightreelError, UsageError
from jobs.platform.pseudonym import fingerprint
from jobs.platform.settings import Settings
from schemas.contract import Contract

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from upath import UPath

_PSEUDONYM_DIGITS = 32
_ATTEMPTS = 20


def path(settings: Settings) -> Location:
    """Return the path of the list."""
    return settings.files / "secrets" / "erased_users.txt"


def digest(pseudonym: str) -> str:
    """Return the digest of a pseudonym, as the list stores it."""
    return hashlib.sha256(pseudonym.encode()).hexdigest()


def read(settings: Settings) -> frozenset[str]:
    """Return the digests of all erased users; empty if nobody was ever erased.

    Raises:
        UsageError: the file is not a valid list.
    """
    return frozenset(_lines(settings)[1:])


def version(settings: Settings) -> str:
    """Return the list's version: the number of users, and a digest of them in their order. It need not be kept secret.

    Raises:
        UsageError: the file is not a valid list.
    """
    return _version(_lines(settings)[1:])


def includes(settings: Settings, earlier: str) -> bool:
    """True if the list has this version, or was extended from it by `add`.

    Raises:
        UsageError: the file is not a valid list.
    """
    return _version(_lines(settings)[1:][: int(earlier.partition("-")[0])]) == earlier


def check_key(settings: Settings, key: bytes) -> None:
    """Check that the list, if it exists, was made with this pseudonym key.

    Raises:
        UsageError: it was made with another key.
    """
    if _lines(settings)[:1] not in ([], [_key_line(key)]):
        raise UsageError(
            f"{path(settings)} was made with another pseudonym key, so nobody on it would be recognised; after a key rotation, "
            "move it away and run make erase with all users erased so far"
        )


def add(settings: Settings, pseudonyms: Iterable[str], key: bytes) -> int:
    """Append users to the list and flush it to the disk.

    Returns:
        The number of users who were not on the list yet.

    Raises:
        UsageError: the list was made with another key, or cannot be read.
        NightreelError: other processes kept changing the list, which is in an object store.
    """
    digests = {digest(pseudonym) for pseudonym in pseudonyms}
    file = path(settings)
    if not isinstance(file, Path):
        return _add_to_object(settings, file, digests, key)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (file.parent / ".erased_users.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        check_key(settings, key)
        listed = _lines(settings)[1:]
        if new := digests - set(listed):
            durable.write(file, _text(key, [*listed, *sorted(new)]), mode=0o600)
    return len(new)


def _add_to_object(settings: Settings, file: "UPath", digests: Collection[str], key: bytes) -> int:
    from infra.object_store import read_version, replace_version

    for _ in range(_ATTEMPTS):
        version = read_version(file)  # before the list is read: if it changes in between, it is not replaced
        check_key(settings, key)
        listed = _lines(settings)[1:]
        new = {*digests} - set(listed)
        if not new or replace_version(file, version, _text(key, [*listed, *sorted(new)]).encode()):
            return len(new)
    raise NightreelError(f"{file}: gave up after {_ATTEMPTS} conflicting changes; rerun this")


def owner_columns(contract: Contract) -> list[str]:
    """Return the columns that tell which user a row belongs to; empty for a table without users.

    The first of them that is not null starts with the user's pseudonym. Columns that consist of a pseudonym come before columns
    that only start with one.
    """
    marked = [column for column in contract.columns if column.pseudonym]
    return [column.name for column in sorted(marked, key=lambda column: column.pseudonym != "whole")]


def owner_digests(columns: Sequence[pa.Array | pa.ChunkedArray]) -> list[str]:
    """Return the digest of each row's pseudonym, or an empty text for a row without one. Each distinct digest is computed once.

    Args:
        columns: the rows' `owner_columns`.
    """
    encoded = pc.utf8_slice_codeunits(pc.coalesce(*columns), 0, _PSEUDONYM_DIGITS).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    digests = [digest(text) for text in encoded.dictionary.to_pylist()]
    return ["" if i is None else digests[i] for i in encoded.indices.to_pylist()]


def without_erased(rows: "DataFrame | pa.Table", contract: Contract, erased: frozenset[str]) -> "DataFrame | pa.Table":
    """Return a table's rows without those of erased users."""
    columns = owner_columns(contract)
    if not columns or not erased:
        return rows
    if isinstance(rows, pa.Table):
        digests = owner_digests([rows[name] for name in columns])
        return rows.filter(pa.array([owner not in erased for owner in digests], pa.bool_()))
    from pyspark.sql import functions as F  # pyspark takes long to import, and not every job needs it

    listed = rows.sparkSession.createDataFrame(pa.table({"erased": sorted(erased)}))
    owner = F.sha2(F.encode(F.substring(F.coalesce(*columns), 1, _PSEUDONYM_DIGITS), "UTF-8"), 256)
    return rows.join(F.broadcast(listed), owner == F.col("erased"), "left_anti")


def _lines(settings: Settings) -> list[str]:
    """Return the key's line, then the users in the order in which they were erased; empty if there is no list."""
    try:
        text = path(settings).read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"the erasure list {path(settings)} cannot be read ({error.strerror})") from error
    if not re.fullmatch("key [0-9a-f]{16}(?:\n[0-9a-f]{64})*+\n?", text):
        raise UsageError(f"{path(settings)} is damaged: it is not an erasure list; restore it from a backup")
    return text.splitlines()


def _text(key: bytes, users: Sequence[str]) -> str:
    return "\n".join([_key_line(key), *users, ""])


def _version(users: Sequence[str]) -> str:
    return f"{len(users)}-{hashlib.sha256(' '.join(users).encode()).hexdigest()[:32]}"


def _key_line(key: bytes) -> str:
    return f"key {fingerprint(key)}"
