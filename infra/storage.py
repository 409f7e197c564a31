"""Where files are: in folders of this machine, or below a prefix of an object store that all machines share.

A file of an object store is a `UPath`, which has the methods of a `Path`.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar, Union

from infra.home import local_folder

if TYPE_CHECKING:
    from upath import UPath

RETRY_TIMEOUT_S = 40
"""Seconds after which obstore and delta-rs no longer retry a request to a store. A request without a reply fails after 30 s, so a
silent store fails a job after a minute. With the default of 180 s it took three."""

Location: TypeAlias = Union[Path, "UPath"]
"""A file or folder, on this machine or in an object store."""

AnyLocation = TypeVar("AnyLocation", bound=Location)
"""One of the two."""


def entries(folder: Location) -> list[Location]:
    """Return the files and folders in a folder, in alphabetical order."""
    paths: list[Location] = sorted(folder.iterdir())
    return paths


def files_below(folder: Location) -> list[Location]:
    """Return all files below a folder, without links, in alphabetical order; none if it does not exist."""
    if isinstance(folder, Path):
        return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    from infra.object_store import files

    return [*files(folder)]


def s3_uri(uri: str) -> str:
    """Return a URI with the scheme that all libraries but Hadoop use for S3, `s3://`."""
    return uri.replace("s3a://", "s3://", 1)


def location(uri: str) -> Location:
    """Return the location that an S3 URI or a path names."""
    if "://" not in uri:
        return Path(uri)
    from infra.object_store import path  # its packages take 0.4 s to import

    return path(s3_uri(uri))


def store_settings() -> dict[str, str]:
    """Return the variables (`AWS_…`) with which this process reaches the object store, for processes on executors."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}


def location_of_setting(name: str, uri: str) -> Location:
    """Return the location that a setting names.

    Raises:
        ValueError: it is neither an S3 URI nor a folder whose path Spark and Delta can read.
    """
    if "://" not in uri:
        return local_folder(name, uri)
    scheme, _, path = s3_uri(uri).partition("://")
    if scheme != "s3" or not path.strip("/"):
        raise ValueError(f"{name}={uri!r} is neither a folder nor an S3 URI; use one such as s3a://bucket/folder")
    return location(uri.rstrip("/"))
