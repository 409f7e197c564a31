"""Durable file writes: when these functions return, the data is on the disk and not only in the page cache.

Neither Spark nor Delta calls fsync, so a power cut could lose a night that was reported as done. An object store acknowledges an
object only when it is durable, so a URI that is not a local path needs nothing.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def local(uri: str) -> Path | None:
    """Return the local path of a URI, or None if it points to another store."""
    if "://" not in uri:
        return Path(uri)
    return Path(uri.removeprefix("file://")) if uri.startswith("file://") else None


def sync(paths: Iterable[Path]) -> None:
    """Flush files and folders to the disk (fsync)."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`. At the end of the block it replaces `path`, unless the block raises.

    A killed process leaves the hidden file `.NAME.RANDOM` behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        yield draft
        sync([draft])
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync([path.parent])


def write(path: Path, content: bytes | str, mode: int = 0o666) -> None:
    """Write a file atomically, text as UTF-8. The file never has more permissions than `mode`."""
    data = content.encode() if isinstance(content, str) else content
    with (
        replacing(path) as draft,
        open(draft, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file,
    ):
        file.write(data)


def write_json(path: Path, content: object) -> None:
    """Write a JSON file atomically."""
    write(path, json.dumps(content, ensure_ascii=False, indent=1))
