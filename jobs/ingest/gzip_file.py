"""Reproducible gzip files: without a timestamp and file name, so that the same contents give the same bytes."""

import gzip
from collections.abc import Iterable
from pathlib import Path

LEVEL = 3
"""zlib compression level. Higher levels barely shrink logs and are much slower."""


def write_gzip(path: Path, blocks: Iterable[bytes]) -> None:
    """Write blocks of bytes as one gzip file."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=LEVEL, mtime=0) as file,
    ):
        for block in blocks:
            file.write(block)
