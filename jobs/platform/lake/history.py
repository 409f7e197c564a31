"""Which commits published a day of a table, by the table's log: what they put there, and what made it."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deltalake import CommitProperties, DeltaTable

_BY = "nightreel"
_SAYS = {"date", "attempt", "rows", "content", "files"}  # in the metadata of every publication, beside what made it
OURS = CommitProperties(custom_metadata={"userMetadata": json.dumps({"by": _BY})})
"""For every commit of ours that publishes nothing, which tells it from those of others."""


@dataclass(frozen=True)
class Publication:
    """One commit that replaced a day."""

    version: int
    """Of the table, made by the commit."""
    made_at: dt.datetime
    """When the commit was made, by its writer's clock; in UTC."""
    day: dt.date
    attempt: str
    """Folder of its files, below the table."""
    rows: int
    content: str
    """Content hash of the rows, volatile columns aside."""
    files: dict[str, str]
    """Path below the table -> SHA-256."""
    made_by: dict[str, Any]
    """Run, version of the code, versions of the input tables, model: see `JobLake.write`."""

    @property
    def dropped(self) -> bool:
        """Whether it took the day out, whose retention was over: the attempts of maintenance are named so."""
        return self.rows == 0 and self.attempt.endswith("-dropped")


def publications(uri: str) -> list[Publication]:
    """All of a table's publications, the newest first."""
    found = []
    # Of the newest version: delta-rs 1.6 numbers the commits wrongly in the history of an older one.
    for commit in DeltaTable(uri).history():
        made_by = _metadata(commit)
        if not made_by.keys() >= _SAYS:
            continue
        day, attempt, rows, content, files = (
            made_by.pop(name) for name in ("date", "attempt", "rows", "content", "files")
        )
        made_at = dt.datetime.fromtimestamp(commit["timestamp"] / 1000, dt.UTC)
        found.append(
            Publication(commit["version"], made_at, dt.date.fromisoformat(day), attempt, rows, content, files, made_by)
        )
    return found


def latest(uri: str) -> dict[dt.date, Publication]:
    """The last publication of each day."""
    found: dict[dt.date, Publication] = {}
    for publication in publications(uri):
        found.setdefault(publication.day, publication)
    return found


def is_ours(commit: Mapping[str, Any]) -> bool:
    """Whether one of our jobs made a commit, by its entry in the table's history."""
    metadata = _metadata(commit)
    return metadata.get("by") == _BY or metadata.keys() >= _SAYS


def _metadata(commit: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found = json.loads(commit.get("userMetadata") or "{}")
    except ValueError:  # a remark of somebody else, who may write there what they like
        return {}
    return found if isinstance(found, dict) else {}
