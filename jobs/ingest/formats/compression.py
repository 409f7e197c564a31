"""A file's bytes, unpacked as a stream: every byte is read and checked, in the memory of one block whatever the file holds."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from jobs.ingest.formats.format import Compression
from jobs.platform.errors import BadInput

HIGHEST_RATIO = 200
"""Unpacked over packed bytes; logs reach about 20, deflate's limit is 1,032. More than this is a zip bomb."""

_BLOCK = 1 << 20
_RATIO_FROM = 64 << 20  # unpacked bytes below which the ratio does not matter
_GZIP = 31  # zlib's wbits for a gzip header and checksum
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


def unpacked(path: Path, compression: Compression) -> Iterator[bytes]:
    """The file's contents in blocks of at most 1 MiB.

    Raises:
        BadInput: it is empty, cut short, damaged (by its checksums) or otherwise compressed, or unpacks to more than
            HIGHEST_RATIO times its size.
    """
    packed_bytes = path.stat().st_size
    unpacked_bytes = 0
    for block in {"gzip": _gzip, "zstd": _zstd, "none": _plain}[compression](path):
        if unpacked_bytes == 0 and (packed := [name for magic, name in _MAGIC.items() if block.startswith(magic)]):
            raise bad_file(path, f"holds a {packed[0]} file", "unpack it, or name its compression in a mapping")
        unpacked_bytes += len(block)
        if unpacked_bytes > max(_RATIO_FROM, HIGHEST_RATIO * packed_bytes):
            raise bad_file(path, f"unpacks to more than {HIGHEST_RATIO} times its size", "check where it comes from")
        yield block
    if unpacked_bytes == 0:
        raise bad_file(path, "is empty", "land a file with rows, or none")


def bad_file(path: Path, what: str, remedy: str) -> BadInput:
    """The error of a file that cannot be read, as one line."""
    return BadInput(f"{path} {what}; {remedy}")


def _gzip(path: Path) -> Iterator[bytes]:
    member = zlib.decompressobj(_GZIP)
    packed = b""
    with path.open("rb") as file:
        try:
            while packed := packed or file.read(_BLOCK):
                if member.eof:
                    packed = packed.lstrip(b"\0")  # RFC 1952 lets zero bytes pad the space between members
                    if not packed:
                        continue
                    member = zlib.decompressobj(_GZIP)
                if block := member.decompress(packed, _BLOCK):
                    yield block
                packed = member.unconsumed_tail or member.unused_data
            while not member.eof and (block := member.decompress(b"", _BLOCK)):
                yield block
        except zlib.error as error:
            raise bad_file(path, f"is damaged or no gzip file ({error})", "copy or land it again") from error
    if not member.eof and path.stat().st_size:
        raise bad_file(path, "is a gzip file cut short", "copy or land it again")


def _zstd(path: Path) -> Iterator[bytes]:
    if not path.stat().st_size:
        return
    try:
        with pa.OSFile(str(path)) as packed, pa.CompressedInputStream(packed, "zstd") as file:
            while block := file.read(_BLOCK):
                yield block
    except OSError as error:
        raise bad_file(path, f"is damaged, cut short or no zstd file ({error})", "copy or land it again") from error


def _plain(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
