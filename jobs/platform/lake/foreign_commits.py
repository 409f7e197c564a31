"""Commits of a table that none of our jobs made: who made them, and which days they touched.

A table is open to every engine that knows Delta: somebody's OPTIMIZE, VACUUM or UPDATE is a commit beside those of the nights.
"""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deltalake import DeltaTable

from infra import durable
from jobs.platform.lake.files import filesystem
from jobs.platform.lake.history import is_ours
from schemas.contract import Contract


@dataclass(frozen=True)
class ForeignCommit:
    """One commit that is not ours."""

    version: int
    """Of the table, made by the commit."""
    made_at: dt.datetime
    """By its writer's clock; in UTC."""
    operation: str
    """As Delta names it, e.g. OPTIMIZE."""
    who: str
    """User and engine, as far as they are known."""
    remark: str | None
    """What its writer said of it (`userMetadata`)."""
    days: frozenset[dt.date]
    """Days of which it added or removed files."""
    reshapes: bool
    """Whether it changed the table's schema, properties or protocol."""

    def __str__(self) -> str:
        remark = f", who said {self.remark!r}" if self.remark else ""
        return f"version {self.version}, {self.made_at:%Y-%m-%d %H:%M:%S} UTC, {self.operation} by {self.who}{remark}"


def foreign_commits(table: DeltaTable, uri: str, contract: Contract) -> Iterator[ForeignCommit]:
    """The commits of others, the newest first; not the one that made the table.

    Args:
        table: the table.
        uri: where it lies.
        contract: its contract.
    """
    for commit in table.history():
        if commit["version"] == 0 or is_ours(commit):
            continue
        actions = _actions(uri, commit["version"])
        files = [action[kind] for action in actions for kind in ("add", "remove") if kind in action]
        partitions = [file.get("partitionValues") or {} for file in files]
        user = commit.get("userName") or _owner(uri, commit["version"])
        yield ForeignCommit(
            version=commit["version"],
            made_at=dt.datetime.fromtimestamp(commit["timestamp"] / 1000, dt.UTC),
            operation=commit["operation"],
            who=f"{user} with {commit.get('engineInfo', 'an engine that it does not name')}",
            remark=commit.get("userMetadata"),
            days=frozenset(
                dt.date.fromisoformat(p[contract.day_column]) for p in partitions if p.get(contract.day_column)
            ),
            reshapes=any("metaData" in action or "protocol" in action for action in actions),
        )


def misfit(table: DeltaTable, contract: Contract) -> str | None:
    """Why no job can read or write a table of this shape, if so."""
    protocol = table.protocol()
    if protocol.min_reader_version > 1:  # which contracts ask for
        needed = ", ".join(protocol.reader_features or ()) or f"version {protocol.min_reader_version} of the protocol"
        return f"its readers need {needed}, which not all jobs know"
    optional = {column.name: not column.required for column in contract.columns}
    for field in table.schema().fields:
        if field.name not in optional:
            return f"it has a column {field.name} that its contract has not"
        if field.nullable and not optional[field.name]:
            return f"its column {field.name} may be null"
    return None


def reshaping(current: DeltaTable, uri: str, contract: Contract) -> ForeignCommit | None:
    """The commit of somebody else by which the table got a shape that no job can read or write; None where it has not."""
    if misfit(current, contract) is None:
        return None
    for commit in foreign_commits(current, uri, contract):
        if commit.reshapes and misfit(DeltaTable(uri, version=commit.version - 1), contract) is None:
            return commit
    return None  # we ourselves did: the code is older than the table


def _actions(uri: str, version: int) -> list[dict[str, Any]]:
    store, root = filesystem(uri)
    with store.open_input_file(f"{root}/{_path(version)}") as file:
        return [json.loads(line) for line in file.read().splitlines() if line]


def _owner(uri: str, version: int) -> str:
    """Whose the commit's file is: no engine but Databricks' names the user."""
    folder = durable.local(uri)
    if folder is None:
        return "somebody"
    try:
        return (folder / _path(version)).owner()
    except KeyError:  # the machine knows that user by number only
        return f"user {(folder / _path(version)).stat().st_uid}"


def _path(version: int) -> str:
    return f"_delta_log/{version:020}.json"
