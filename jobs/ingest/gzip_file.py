"""Gzip files whose bytes depend on their contents only: no time, no name."""

import gzip
from collections.abc import Iterable
from pathlib import Path

LEVEL = 3
"""Of zlib's levels the one from which on logs get little smaller but much slower to write."""


def write_gzip(path: Path, blocks: Iterable[bytes]) -> None:
    """Write blocks of bytes, one after another, as one gzip file."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=LEVEL, mtime=0) as file,
    ):
        for block in blocks:
            file.write(block)
