"""Foreign commits: commits to a table that none of our jobs made, with their author and the days that they touched.

Any engine that supports Delta can write to a table, e.g. with OPTIMIZE, VACUUM or UPDATE, between the commits of the nights.
"""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deltalake import DeltaTable

from infra import durable
from jobs.platform.lake.files import filesystem, open_table
from jobs.platform.lake.history import is_own_commit
from schemas.contract import Contract


@dataclass(frozen=True)
class ForeignCommit:
    """One commit that none of our jobs made."""

    version: int
    """The table's version that the commit created."""
    made_at: dt.datetime
    """By its writer's clock, in UTC."""
    operation: str
    """Delta's name of the operation, e.g. OPTIMIZE."""
    who: str
    """User and engine, as far as known."""
    remark: str | None
    """The writer's comment (`userMetadata`)."""
    days: frozenset[dt.date]
    """Days whose files it added or removed."""
    changes_schema: bool
    """True if it changed the table's schema, properties or protocol."""

    def __str__(self) -> str:
        remark = f", comment {self.remark!r}" if self.remark else ""
        return f"version {self.version}, {self.made_at:%Y-%m-%d %H:%M:%S} UTC, {self.operation} by {self.who}{remark}"


def foreign_commits(table: DeltaTable, uri: str, contract: Contract) -> Iterator[ForeignCommit]:
    """Yield the foreign commits, the newest first, without the one that created the table.

    Args:
        table: the table.
        uri: the table's location.
        contract: the table's contract.
    """
    for commit in table.history():
        if commit["version"] == 0 or is_own_commit(commit):
            continue
        actions = _actions(uri, commit["version"])
        files = [action[kind] for action in actions for kind in ("add", "remove") if kind in action]
        partitions = [file.get("partitionValues") or {} for file in files]
        user = commit.get("userName") or _owner(uri, commit["version"])
        yield ForeignCommit(
            version=commit["version"],
            made_at=dt.datetime.fromtimestamp(commit["timestamp"] / 1000, dt.UTC),
            operation=commit["operation"],
            who=f"{user} with {commit.get('engineInfo', 'an unknown engine')}",
            remark=commit.get("userMetadata"),
            days=frozenset(
                dt.date.fromisoformat(p[contract.day_column]) for p in partitions if p.get(contract.day_column)
            ),
            changes_schema=any("metaData" in action or "protocol" in action for action in actions),
        )


def incompatibility(table: DeltaTable, contract: Contract) -> str | None:
    """Why the jobs cannot read or write a table with this schema and protocol, or None."""
    protocol = table.protocol()
    if protocol.min_reader_version > 1:  # contracts require reader version 1
        required = ", ".join(protocol.reader_features or ()) or f"version {protocol.min_reader_version} of the protocol"
        return f"its readers need {required}, which not all jobs support"
    nullable = {column.name: not column.required for column in contract.columns}
    for field in table.schema().fields:
        if field.name not in nullable:
            return f"it has a column {field.name} that its contract does not have"
        if field.nullable and not nullable[field.name]:
            return f"its column {field.name} is nullable"
    return None


def incompatible_commit(current: DeltaTable, uri: str, contract: Contract) -> ForeignCommit | None:
    """Return the foreign commit that made the table incompatible with the jobs, or None."""
    if incompatibility(current, contract) is None:
        return None
    for commit in foreign_commits(current, uri, contract):
        if commit.changes_schema and incompatibility(open_table(uri, version=commit.version - 1), contract) is None:
            return commit
    return None  # the incompatibility is our own: the code is older than the table


def _actions(uri: str, version: int) -> list[dict[str, Any]]:
    store, root = filesystem(uri)
    with store.open_input_file(f"{root}/{_path(version)}") as file:
        return [json.loads(line) for line in file.read().splitlines() if line]


def _owner(uri: str, version: int) -> str:
    """Return the owner of the commit's file. Only Databricks' engine records the user."""
    folder = durable.local(uri)
    if folder is None:
        return "an unknown user"
    try:
        return (folder / _path(version)).owner()
    except KeyError:  # the machine has no name for that user id
        return f"user {(folder / _path(version)).stat().st_uid}"


def _path(version: int) -> str:
    return f"_delta_log/{version:020}.json"
