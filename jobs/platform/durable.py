"""Files that are on the disk, not only in the machine's memory, once these functions have returned.

Neither Spark nor Delta asks for that: without it a power cut can take back a night that was reported as done. An object
store acknowledges an object only when it is durable, so there is nothing to do for a URI that is no local path.
"""

import os
from collections.abc import Iterable
from pathlib import Path


def local(uri: str) -> Path | None:
    """The path that a URI names on this machine's file systems, None for any other store."""
    if "://" not in uri:
        return Path(uri)
    return Path(uri.removeprefix("file://")) if uri.startswith("file://") else None


def sync(paths: Iterable[Path]) -> None:
    """Have files, and the names in folders, on the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file whole or not at all, and have it on the disk; nobody is ever given more rights to it than `mode`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(aside, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    sync([path.parent])
