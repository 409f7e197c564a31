"""The boxes of an MP4 file (ISO/IEC 14496-12): its manifest and its digest, and the file without them.

A finished clip is the encoded file with two more boxes, which players skip:

- the C2PA manifest, a `uuid` box after the first one. Its bytes differ each time it is made, because c2pa salts its hashes at
  random.
- the SHA-256 of all bytes before it, a `free` box at the end. A manifest covers neither such boxes nor its own padding, so
  without the digest a changed byte could go unnoticed.

`without_provenance` returns the encoded file as it was. Its SHA-256 depends only on what determines a clip, so
`gold.generated_videos` has the same digest after every run, on every machine.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from jobs.video.mp4 import BrokenVideo

_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""Extended type of the box of a C2PA manifest (C2PA 2.2, A.5)."""
_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
"""Boxes on the way to the tables of chunk offsets."""
_OFFSETS = {b"stco": 4, b"co64": 8}
"""Table of chunk offsets -> bytes of an offset."""
_DIGEST_BYTES = 8 + 32


class _Box(NamedTuple):
    type: bytes
    start: int
    content: int
    """Position after the header."""
    end: int


def with_digest(video: bytes) -> bytes:
    """Return the file with a box that contains the SHA-256 of all bytes before it."""
    return video + _DIGEST_BYTES.to_bytes(4, "big") + b"free" + hashlib.sha256(video).digest()


def check_digest(video: bytes, name: str) -> None:
    """Check that a finished file is as it was written, to the byte.

    Args:
        video: the file.
        name: of the file, for messages.

    Raises:
        BrokenVideo: a byte differs, or the file has no digest.
    """
    if with_digest(video[:-_DIGEST_BYTES]) != video:
        raise BrokenVideo(f"{name}: its bytes differ from the digest at its end")


def has_manifest(video: bytes) -> bool:
    """True if the file has a box with a C2PA manifest.

    Raises:
        BrokenVideo: the file does not consist of boxes.
    """
    return any(_is_manifest(video, box) for box in _boxes(video, 0, len(video)))


def without_provenance(video: bytes) -> bytes:
    """Return the file as it was encoded, without manifest and digest; a file that has none is returned as it is.

    Raises:
        BrokenVideo: the file does not consist of boxes.
    """
    boxes = [*_boxes(video, 0, len(video))]
    removed = [box for box in boxes if _is_manifest(video, box)]
    if not removed:
        return video
    if boxes[-1].type == b"free" and boxes[-1].end - boxes[-1].start == _DIGEST_BYTES:
        removed.append(boxes[-1])
    encoded = bytearray(video)
    for table in _tables(video, 0, len(video)):
        _shift(encoded, table, removed)
    for box in reversed(removed):
        del encoded[box.start : box.end]
    return bytes(encoded)


def sha256_of_encoded(video: bytes, name: str) -> str:
    """Return the SHA-256 of the file as it was encoded, 64 hexadecimal digits.

    Args:
        video: the file.
        name: of the file, for messages.

    Raises:
        BrokenVideo: the file does not consist of boxes.
    """
    try:
        return hashlib.sha256(without_provenance(video)).hexdigest()
    except BrokenVideo as error:
        raise BrokenVideo(f"{name}: {error}") from error


def _shift(encoded: bytearray, table: _Box, removed: list[_Box]) -> None:
    """Reduce the offsets in a table by the lengths of the removed boxes before the chunks."""
    width = _OFFSETS[table.type]
    for position in range(
        table.content + 8, table.end - width + 1, width
    ):  # after version, flags and the number of offsets
        offset = int.from_bytes(encoded[position : position + width], "big")
        shifted = offset - sum(box.end - box.start for box in removed if box.start < offset)
        encoded[position : position + width] = max(0, shifted).to_bytes(width, "big")


def _is_manifest(video: bytes, box: _Box) -> bool:
    return box.type == b"uuid" and video[box.content : box.content + len(_C2PA)] == _C2PA


def _boxes(video: bytes, start: int, end: int) -> Iterator[_Box]:
    while start < end:
        size, content = int.from_bytes(video[start : start + 4], "big"), start + 8
        if size == 1:
            size, content = int.from_bytes(video[start + 8 : start + 16], "big"), start + 16
        if size < content - start or start + size > end:
            raise BrokenVideo(f"at byte {start} of {end} is no box of an MP4 file")
        yield _Box(video[start + 4 : start + 8], start, content, start + size)
        start += size


def _tables(video: bytes, start: int, end: int) -> Iterator[_Box]:
    """Yield the tables of chunk offsets."""
    for box in _boxes(video, start, end):
        if box.type in _CONTAINERS:
            yield from _tables(video, box.content, box.end)
        elif box.type in _OFFSETS:
            yield box
