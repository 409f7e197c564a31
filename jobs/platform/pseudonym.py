"""Keyed pseudonyms of user ids: HMAC-SHA256 (RFC 2104) of the decimal id, its first 128 bits as 32 hexadecimal digits.

The key is stored outside the lake. Without it, nobody can recover a user id from the tables, not even by trying all ids.
"""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from infra import durable
from jobs.platform.errors import UsageError
from jobs.platform.lake import identity
from jobs.platform.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import Column

_BLOCK = 64  # bytes; HMAC pads the key to a block of SHA-256
_DIGITS = 32
_KEY_FILE = "NIGHTREEL_PSEUDONYM_KEY_FILE"


def key(settings: Settings) -> bytes:
    """Return the lake's key: NIGHTREEL_PSEUDONYM_KEY (hexadecimal), else the content of a file.

    The file is NIGHTREEL_PSEUDONYM_KEY_FILE, e.g. a mounted secret, else `secrets/pseudonym.key`, which is created if the lake
    has no tables yet.

    Raises:
        UsageError: the key is not 32 bytes in hexadecimal, cannot be read, or is missing.
    """
    text = os.environ.get("NIGHTREEL_PSEUDONYM_KEY") or _from_file(settings)
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise UsageError(f"{origin(settings)} is not a pseudonym key; a key has 64 hexadecimal digits")
    return secret


def origin(settings: Settings) -> str:
    """Return the variable or file that the key is read from, for messages."""
    return "NIGHTREEL_PSEUDONYM_KEY" if os.environ.get("NIGHTREEL_PSEUDONYM_KEY") else str(_path(settings))


def fingerprint(key: bytes) -> str:
    """Return a digest that identifies a key without revealing it."""
    return hashlib.sha256(b"nightreel erasure list" + key).hexdigest()[:16]


def _path(settings: Settings) -> Path:
    return Path(os.environ.get(_KEY_FILE) or settings.secrets / "pseudonym.key")


def _from_file(settings: Settings) -> str:
    path = _path(settings)
    if (
        not (os.environ.get(_KEY_FILE) or path.exists())
        and identity.read(settings) is None
        and not identity.has_tables(settings)
    ):
        _make(path)
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError:
        raise UsageError(
            f"the pseudonym key of the lake {settings.lake} is missing, and under a new key no user would be recognised; copy "
            f"secrets/pseudonym.key from the machine that created the lake, or from a backup, to {path}, "
            f"or set NIGHTREEL_PSEUDONYM_KEY or {_KEY_FILE}"
        ) from None
    except OSError as error:
        raise UsageError(f"the pseudonym key {path} cannot be read ({error.strerror})") from error


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(f".{secrets.token_hex(4)}")
    durable.write(draft, secrets.token_hex(32).encode(), mode=0o600)
    with suppress(FileExistsError):
        os.link(draft, path)  # if two processes create a key at once, one link succeeds and both read that key
    draft.unlink()
    durable.sync([path.parent, path.parent.parent])


def pseudonym(user_id: int, key: bytes) -> str:
    """Return the pseudonym of one user id."""
    return hmac.new(key, str(user_id).encode(), hashlib.sha256).hexdigest()[:_DIGITS]


def pseudonym_column(user_id: "Column", key: bytes) -> "Column":
    """Return the pseudonyms of a column of decimal ids (strings without leading zeros or blanks), as built-in Spark functions."""
    from pyspark.sql import functions as F

    padded = key.ljust(_BLOCK, b"\0")
    inner = F.lit(bytes(byte ^ 0x36 for byte in padded))
    outer = F.lit(bytes(byte ^ 0x5C for byte in padded))
    inner_hash = F.sha2(F.concat(inner, F.encode(user_id, "UTF-8")), 256)
    return F.substring(F.sha2(F.concat(outer, F.unhex(inner_hash)), 256), 1, _DIGITS)
