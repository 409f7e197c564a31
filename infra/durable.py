"""Files that are on the disk, not only in the machine's memory, once these functions have returned.

Neither Spark nor Delta asks for that: without it a power cut can take back a night that was reported as done. An object
store acknowledges an object only when it is durable, so there is nothing to do for a URI that is no local path.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a draft to write to, beside `path`. It takes the place of `path` at the end of the block, unless that raises.

    A process that is killed leaves the draft behind, as the hidden file `.NAME.RANDOM`.
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
    """Write a file whole or not at all, text in UTF-8; nobody is ever given more rights to it than `mode`."""
    data = content.encode() if isinstance(content, str) else content
    with (
        replacing(path) as draft,
        open(draft, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file,
    ):
        file.write(data)


def write_json(path: Path, content: object) -> None:
    """Write a file of JSON whole or not at all."""
    write(path, json.dumps(content, ensure_ascii=False, indent=1))
