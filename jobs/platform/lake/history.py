"""The commits that published days of a table, from its log: their rows and files, and how these were made."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deltalake import CommitProperties

from jobs.platform.lake.files import open_table

_BY = "nightreel"
_KEYS = {"date", "attempt", "rows", "content", "files"}  # in the metadata of every publication, besides `made_by`
OWN_COMMIT = CommitProperties(custom_metadata={"userMetadata": json.dumps({"by": _BY})})
"""For each of our commits that publishes nothing, to distinguish it from foreign commits."""


@dataclass(frozen=True)
class Publication:
    """One commit that replaced a day."""

    version: int
    """The table's version that the commit created."""
    made_at: dt.datetime
    """Time of the commit by its writer's clock, in UTC."""
    day: dt.date
    attempt: str
    """Folder below the table of the files that it wrote."""
    rows: int
    content: str
    """Content hash of the rows without volatile columns."""
    files: dict[str, str]
    """Path below the table -> SHA-256."""
    made_by: dict[str, Any]
    """Run, version of the code, versions of the input tables, model: see `JobLake.write`."""

    @property
    def dropped(self) -> bool:
        """True if it removed the day, e.g. because its retention ended: `commit.drop` names such attempts."""
        return self.rows == 0 and self.attempt.endswith("-dropped")


def publications(uri: str) -> list[Publication]:
    """Return all publications of a table, the newest first."""
    result = []
    # Read from the newest version: delta-rs 1.6 numbers commits wrongly in the history of an older version.
    for commit in open_table(uri).history():
        made_by = _metadata(commit)
        if not made_by.keys() >= _KEYS:
            continue
        day, attempt, rows, content, files = (
            made_by.pop(name) for name in ("date", "attempt", "rows", "content", "files")
        )
        made_at = dt.datetime.fromtimestamp(commit["timestamp"] / 1000, dt.UTC)
        result.append(
            Publication(commit["version"], made_at, dt.date.fromisoformat(day), attempt, rows, content, files, made_by)
        )
    return result


def latest(uri: str) -> dict[dt.date, Publication]:
    """Return the last publication of each day."""
    last: dict[dt.date, Publication] = {}
    for publication in publications(uri):
        last.setdefault(publication.day, publication)
    return last


def is_own_commit(commit: Mapping[str, Any]) -> bool:
    """True if one of our jobs made a commit, judged by its entry in the table's history."""
    metadata = _metadata(commit)
    return metadata.get("by") == _BY or metadata.keys() >= _KEYS


def _metadata(commit: Mapping[str, Any]) -> dict[str, Any]:
    try:
        metadata = json.loads(commit.get("userMetadata") or "{}")
    except ValueError:  # a foreign commit, which may have any text here
        return {}
    return metadata if isinstance(metadata, dict) else {}
