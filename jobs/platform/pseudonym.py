"""User ids as keyed pseudonyms: HMAC-SHA256 (RFC 2104) of the decimal id, its first 128 bits as 32 hexadecimal digits.

The key lies outside the lake. Whoever has the tables but not the key cannot tell who a user is, nor try all ids.
"""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from jobs.platform.errors import UsageError
from jobs.platform.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import Column

_BLOCK = 64  # bytes of SHA-256's block, to which HMAC pads the key
_DIGITS = 32


def key(settings: Settings) -> bytes:
    """The lake's key: NIGHTREEL_PSEUDONYM_KEY (hexadecimal), else `secrets/pseudonym.key`, made when there is none.

    Raises:
        UsageError: the key is not 32 bytes in hexadecimal.
    """
    text = os.environ.get("NIGHTREEL_PSEUDONYM_KEY") or _from_file(settings)
    try:
        found = bytes.fromhex(text.strip())
    except ValueError:
        found = b""
    if len(found) != 32:
        raise UsageError(
            "the pseudonym key must be 64 hexadecimal digits (NIGHTREEL_PSEUDONYM_KEY or secrets/pseudonym.key)"
        )
    return found


def _from_file(settings: Settings) -> str:
    path = settings.secrets / "pseudonym.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        with suppress(FileExistsError):
            os.link(draft, path)  # of two processes that make a key at once, one wins and both read its key
        draft.unlink()
    return path.read_text()


def pseudonym(user_id: int, key: bytes) -> str:
    """The pseudonym of one user id."""
    return hmac.new(key, str(user_id).encode(), hashlib.sha256).hexdigest()[:_DIGITS]


def pseudonym_column(user_id: "Column", key: bytes) -> "Column":
    """The pseudonyms of a column of decimal ids (string without leading zeros or blanks), in Spark's own functions."""
    from pyspark.sql import functions as F

    padded = key.ljust(_BLOCK, b"\0")
    inner = F.lit(bytes(byte ^ 0x36 for byte in padded))
    outer = F.lit(bytes(byte ^ 0x5C for byte in padded))
    inner_hash = F.sha2(F.concat(inner, F.encode(user_id, "UTF-8")), 256)
    return F.substring(F.sha2(F.concat(outer, F.unhex(inner_hash)), 256), 1, _DIGITS)
