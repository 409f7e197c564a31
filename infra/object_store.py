"""Files of an S3 object store. obstore makes the requests.

obstore is built on the same library as delta-rs, so the same variables (`AWS_…`) serve both. Unlike s3fs, it replaces objects
on a condition, and does not depend on a version of botocore.
"""

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.fsspec import BufferedFile, FsspecStore
from obstore.store import S3Store
from upath import UPath

from infra.storage import RETRY_TIMEOUT_S

if TYPE_CHECKING:
    from obstore.store import RetryConfig

_RETRY: "RetryConfig" = {"retry_timeout": dt.timedelta(seconds=RETRY_TIMEOUT_S)}


class _Files(FsspecStore):
    protocol = "s3"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, retry_config=_RETRY, **kwargs)

    def _open(self, path: str, mode: str = "rb", *args: Any, **kwargs: Any) -> BufferedFile:
        if mode == "rb":
            # Otherwise obstore asks for the size in a constructor, which prints a traceback if there is no such file.
            kwargs["size"] = self.info(path)["size"]
        return super()._open(path, mode, *args, **kwargs)


fsspec.register_implementation("s3", _Files, clobber=True)


@dataclass(frozen=True)
class Version:
    """What an object contained when it was read."""

    content: bytes | None
    """None if there was no object."""
    tag: str | None
    """The store's name of this version (its ETag)."""


def path(uri: str) -> UPath:
    """Return the file or folder that a URI `s3://bucket/…` names."""
    return UPath(uri)


def read_version(path: UPath) -> Version:
    """Read an object."""
    store, key = _object(path)
    try:
        result = obstore.get(store, key)
    except FileNotFoundError:
        return Version(None, None)
    return Version(result.bytes().to_bytes(), result.meta["e_tag"])


def replace_version(path: UPath, version: Version, content: bytes) -> bool:
    """Replace an object, unless another process has replaced that version meanwhile (a conditional put).

    Returns:
        False if another process was first; nothing was written then.
    """
    store, key = _object(path)
    try:
        if version.content is None:
            obstore.put(store, key, content, mode="create")
        else:
            obstore.put(store, key, content, mode={"e_tag": version.tag})
    except (AlreadyExistsError, PreconditionError):
        return False
    return True


def upload(file: Path, path: UPath) -> None:
    """Copy a file of this machine to an object, in blocks. The object then has all of its bytes, or was not replaced."""
    store, key = _object(path)
    obstore.put(store, key, file)


def files(folder: UPath) -> list[UPath]:
    """Return all files below a folder, in alphabetical order. 1,000 files take one request."""
    store, key = _object(folder)
    bucket = folder.path.partition("/")[0]
    keys = [entry["path"] for batch in obstore.list(store, prefix=key) for entry in batch]
    return [path(f"s3://{bucket}/{key}") for key in sorted(keys)]


def delete(paths: Sequence[UPath]) -> None:
    """Delete files of one bucket. Files that do not exist are ignored."""
    if paths:
        store, _ = _object(paths[0])
        obstore.delete(store, [_object(path)[1] for path in paths])


def _object(path: UPath) -> tuple[S3Store, str]:
    bucket, _, key = path.path.partition("/")
    return _bucket(bucket, os.environ.get("AWS_ENDPOINT_URL")), key


@cache
def _bucket(name: str, endpoint: str | None) -> S3Store:
    return S3Store(name, retry_config=_RETRY)
