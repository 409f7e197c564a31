"""Durable file writes: when these functions return, the data is on the disk and not only in the page cache.

Neither Spark nor Delta calls fsync, so a power cut could lose a night that was reported as done. An object store acknowledges an
object only when it is durable, and replaces it as a whole, so it needs neither a flush nor a temporary name.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.storage import Location


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
def replacing(path: Location) -> Iterator[Path]:
    """Yield a temporary path on this machine. At the end of the block the file replaces `path`, unless the block raises.

    A killed process leaves the hidden file `.NAME.RANDOM` next to a local `path`, and nothing next to an object.
    """
    if not isinstance(path, Path):
        from infra.object_store import upload

        with TemporaryDirectory() as folder:
            draft = Path(folder, path.name)
            yield draft
            upload(draft, path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        yield draft
        sync([draft])
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync([path.parent])


def write(path: Location, content: bytes | str, mode: int = 0o666) -> None:
    """Write a file atomically, text as UTF-8. A local file never has more permissions than `mode`."""
    data = content.encode() if isinstance(content, str) else content
    if not isinstance(path, Path):
        path.write_bytes(data)
        return
    with (
        replacing(path) as draft,
        open(draft, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file,
    ):
        file.write(data)


def write_json(path: Location, content: object) -> None:
    """Write a JSON file atomically."""
    write(path, json.dumps(content, ensure_ascii=False, indent=1))
