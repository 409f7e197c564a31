"""The erasure list: users whose rows are in no table, and come into none again.

It lies beside the pseudonym key, outside the lake, and names nobody: it holds a digest (SHA-256) of each pseudonym. The first
line says which key the pseudonyms were made with, since under another key nobody on the list would be recognised. It only ever
grows at its end, so that a lake knows by a version (`lake.identity`) whether a list has all who were erased from it.
"""

import fcntl
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from infra import durable
from jobs.platform.errors import UsageError
from jobs.platform.pseudonym import fingerprint
from jobs.platform.settings import Settings
from schemas.contract import Contract

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_PSEUDONYM_DIGITS = 32


def path(settings: Settings) -> Path:
    """Where the list lies."""
    return settings.secrets / "erased_users.txt"


def digest(pseudonym: str) -> str:
    """How the list has a pseudonym."""
    return hashlib.sha256(pseudonym.encode()).hexdigest()


def read(settings: Settings) -> frozenset[str]:
    """The digests of all erased users; none where nobody was ever erased.

    Raises:
        UsageError: the file is not what `add` wrote.
    """
    return frozenset(_lines(settings)[1:])


def version(settings: Settings) -> str:
    """What may be told of the list: how many users are on it, and a digest of them in their order.

    Raises:
        UsageError: the file is not what `add` wrote.
    """
    return _version(_lines(settings)[1:])


def includes(settings: Settings, known: str) -> bool:
    """Whether the list is of this version or was made from it by `add`.

    Raises:
        UsageError: the file is not what `add` wrote.
    """
    return _version(_lines(settings)[1:][: int(known.partition("-")[0])]) == known


def check_key(settings: Settings, key: bytes) -> None:
    """Make sure that the list was made with this pseudonym key, if there is a list.

    Raises:
        UsageError: it was made with another one.
    """
    if _lines(settings)[:1] not in ([], [_made_with(key)]):
        raise UsageError(
            f"{path(settings)} was made with another pseudonym key, so nobody on it would be recognised; after a rotation, "
            "move it away and run make erase with all users erased so far"
        )


def add(settings: Settings, pseudonyms: Iterable[str], key: bytes) -> int:
    """Put users at the end of the list, on the disk when this returns; how many were not on it.

    Raises:
        UsageError: the list was made with another key, or cannot be read.
    """
    settings.secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.secrets / ".erased_users.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        check_key(settings, key)
        listed = _lines(settings)[1:]
        new = {digest(pseudonym) for pseudonym in pseudonyms} - set(listed)
        if new:
            lines = [_made_with(key), *listed, *sorted(new), ""]
            durable.write(path(settings), "\n".join(lines).encode(), mode=0o600)
    return len(new)


def holders(contract: Contract) -> list[str]:
    """The table's columns of which the first that is not null begins with a user's pseudonym; none where it has no users.

    A column that is a pseudonym comes before one that may only begin with it.
    """
    marked = [column for column in contract.columns if column.pseudonym]
    return [column.name for column in sorted(marked, key=lambda column: column.pseudonym != "whole")]


def owners(columns: Sequence[pa.Array | pa.ChunkedArray]) -> list[str]:
    """The digest of the pseudonym that each row's holder begins with, each different one computed once.

    Args:
        columns: the rows' `holders`.
    """
    encoded = pc.utf8_slice_codeunits(pc.coalesce(*columns), 0, _PSEUDONYM_DIGITS).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    digests = [digest(text) for text in encoded.dictionary.to_pylist()]
    return ["" if i is None else digests[i] for i in encoded.indices.to_pylist()]


def without(rows: "DataFrame | pa.Table", contract: Contract, erased: frozenset[str]) -> "DataFrame | pa.Table":
    """The rows of a table that are not of erased users."""
    held_by = holders(contract)
    if not held_by or not erased:
        return rows
    if isinstance(rows, pa.Table):
        found = owners([rows[name] for name in held_by])
        return rows.filter(pa.array([owner not in erased for owner in found], pa.bool_()))
    from pyspark.sql import functions as F  # pyspark takes long to import, and not every job needs it

    listed = rows.sparkSession.createDataFrame(pa.table({"erased": sorted(erased)}))
    owner = F.sha2(F.encode(F.substring(F.coalesce(*held_by), 1, _PSEUDONYM_DIGITS), "UTF-8"), 256)
    return rows.join(F.broadcast(listed), owner == F.col("erased"), "left_anti")


def _lines(settings: Settings) -> list[str]:
    """The key's line, then the users in the order in which they were erased; nothing where there is no list."""
    try:
        text = path(settings).read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"the erasure list {path(settings)} cannot be read ({error.strerror})") from error
    if not re.fullmatch("key [0-9a-f]{16}(?:\n[0-9a-f]{64})*+\n?", text):
        raise UsageError(f"{path(settings)} is not an erasure list any more; put it back from a copy")
    return text.splitlines()


def _version(users: Sequence[str]) -> str:
    return f"{len(users)}-{hashlib.sha256(' '.join(users).encode()).hexdigest()[:32]}"


def _made_with(key: bytes) -> str:
    return f"key {fingerprint(key)}"
