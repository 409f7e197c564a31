"""Decompress a file as a stream: every byte is read and checked, with one block in memory."""

import zlib
from collections.abc import Iterator

import pyarrow as pa

from infra.storage import Location
from jobs.ingest.formats.format import Compression
from jobs.platform.errors import BadInput

HIGHEST_RATIO = 200
"""Highest ratio of unpacked to packed bytes. Logs reach about 20, deflate's limit is 1,032; more than this is a zip bomb."""

_BLOCK = 1 << 20
_RATIO_FROM = 64 << 20  # the ratio is checked from this many unpacked bytes on
_GZIP = 31  # zlib's wbits for a gzip header and checksum
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


def unpacked(path: Location, compression: Compression) -> Iterator[bytes]:
    """Yield the file's contents in blocks of at most 1 MiB.

    Raises:
        BadInput: the file is empty, truncated, damaged (by its checksums), compressed in another format, or unpacks to more than
            HIGHEST_RATIO times its size.
    """
    packed_bytes = path.stat().st_size
    unpacked_bytes = 0
    for block in {"gzip": _gzip, "zstd": _zstd, "none": _plain}[compression](path):
        if unpacked_bytes == 0 and (packed := [name for magic, name in _MAGIC.items() if block.startswith(magic)]):
            raise bad_file(path, f"contains a {packed[0]} file", "unpack it, or set its compression in a mapping")
        unpacked_bytes += len(block)
        if unpacked_bytes > max(_RATIO_FROM, HIGHEST_RATIO * packed_bytes):
            raise bad_file(path, f"unpacks to more than {HIGHEST_RATIO} times its size", "check its origin")
        yield block
    if unpacked_bytes == 0:
        raise bad_file(path, "is empty", "land a file with rows, or remove it")


def bad_file(path: Location, problem: str, remedy: str) -> BadInput:
    """Return the error of a file that cannot be read, with a one-line message."""
    return BadInput(f"{path} {problem}; {remedy}")


def _gzip(path: Location) -> Iterator[bytes]:
    member = zlib.decompressobj(_GZIP)
    packed = b""
    with path.open("rb") as file:
        try:
            while packed := packed or file.read(_BLOCK):
                if member.eof:
                    packed = packed.lstrip(b"\0")  # RFC 1952 allows zero bytes as padding between members
                    if not packed:
                        continue
                    member = zlib.decompressobj(_GZIP)
                if block := member.decompress(packed, _BLOCK):
                    yield block
                packed = member.unconsumed_tail or member.unused_data
            while not member.eof and (block := member.decompress(b"", _BLOCK)):
                yield block
        except zlib.error as error:
            raise bad_file(path, f"is damaged or not a gzip file ({error})", "copy or land it again") from error
    if not member.eof and path.stat().st_size:
        raise bad_file(path, "is a truncated gzip file", "copy or land it again")


def _zstd(path: Location) -> Iterator[bytes]:
    if not path.stat().st_size:
        return
    try:
        with path.open("rb") as packed, pa.CompressedInputStream(packed, "zstd") as file:
            while block := file.read(_BLOCK):
                yield block
    except OSError as error:
        raise bad_file(path, f"is damaged, truncated or not a zstd file ({error})", "copy or land it again") from error


def _plain(path: Location) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
