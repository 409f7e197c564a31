"""The lines of a gzip file, counted as a stream: every byte is read and checked, in the memory of one block whatever it holds."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jobs.platform.errors import BadInput

LONGEST_LINE = 1 << 20
"""Bytes; a longer line is no log line, and what reads lines later would hold it in memory whole."""

HIGHEST_RATIO = 200
"""Unpacked over packed bytes; logs reach about 20, deflate's limit is 1,032. More than this is a zip bomb."""

_BLOCK = 1 << 20  # at most LONGEST_LINE, so that no line inside one block is too long
_RATIO_FROM = 64 << 20  # unpacked bytes below which the ratio does not matter
_GZIP = 31  # zlib's wbits for a gzip header and checksum


@dataclass(frozen=True)
class GzipLines:
    """What a gzip file holds."""

    header: str
    """The first line, without its line feed."""
    data_lines: int
    """Lines after the first; a last line without a line feed counts, and so does an empty line."""


def count_lines(path: Path) -> GzipLines:
    """Read a gzip file of text to its end and count its lines, which end with a line feed only.

    Raises:
        BadInput: it is empty, no gzip file, cut short or damaged (CRC-32, length), holds a line longer than LONGEST_LINE, or
            unpacks to more than HIGHEST_RATIO times its size.
    """
    packed_bytes = path.stat().st_size
    header: bytes | None = None
    start = b""
    feeds = unpacked_bytes = unfinished = 0
    for block in _unpacked(path):
        unpacked_bytes += len(block)
        if unpacked_bytes > max(_RATIO_FROM, HIGHEST_RATIO * packed_bytes):
            raise _bad(path, f"unpacks to more than {HIGHEST_RATIO} times its size", "check where it comes from")
        first = block.find(b"\n")
        if unfinished + (len(block) if first < 0 else first) > LONGEST_LINE:
            raise _bad(path, f"has a line of more than {LONGEST_LINE:,} bytes", "check where it comes from")
        if header is None:
            start += block if first < 0 else block[:first]
            header = None if first < 0 else start
        feeds += block.count(b"\n")
        unfinished = unfinished + len(block) if first < 0 else len(block) - block.rfind(b"\n") - 1
    if unpacked_bytes == 0:
        raise _bad(path, "is empty", "land a file with a header and rows")
    lines = feeds + (unfinished > 0)
    return GzipLines((start if header is None else header).decode("utf-8", "replace"), lines - 1)


def _unpacked(path: Path) -> Iterator[bytes]:
    """The file's contents in blocks of at most _BLOCK bytes, over all gzip members in it."""
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
            raise _bad(path, f"is damaged or no gzip file ({error})", "copy or land it again") from error
    if not member.eof and path.stat().st_size:
        raise _bad(path, "is a gzip file cut short", "copy or land it again")


def _bad(path: Path, what: str, remedy: str) -> BadInput:
    return BadInput(f"{path} {what}; {remedy}")
