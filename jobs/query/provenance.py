"""The provenance of a row: the commit that published it, the commits of that one's inputs, and so on down to the log's lines."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds

from jobs.platform import lake
from jobs.platform.lake import Publication
from jobs.platform.settings import Settings
from schemas.contract import load_contract, tables
from schemas.dependencies import days_read

MAX_LINES = 20
"""Number of log lines that are shown; the others are only counted."""

_MAX_COLUMNS = 8
_EVENTS = "silver.behavior_events"
_IDS = ("user_id", "video_id", "event_date")
_LINE = ("log_file", "log_line")
_ACTIONS = {
    "is_click": "click", "is_like": "like", "is_follow": "follow", "is_comment": "comment", "is_forward": "forward",
    "is_hate": "hate", "long_view": "long view",
}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """A node of the tree: its lines of text, and its children."""

    lines: tuple[str, ...]
    children: tuple["Node", ...] = ()


def provenance(settings: Settings, table: str, row: Mapping[str, Any]) -> Node:
    """Return the inputs that a row was made from, as a tree with the row as its root.

    Args:
        settings: the location of the lake.
        table: layer and name.
        row: a row of the table's current version, by column.
    """
    contract = load_contract(table)
    walk = _Walk(settings, row[contract.day_column])
    publication = walk.publication(table, walk.day)
    children = [*walk.children(table, publication)]
    if set(_LINE) <= row.keys():
        children.append(Node((f"line {row['log_line']} of {row['log_file']}",)))
    else:
        ids = {name: row[name] for name in _IDS if name in contract.key}
        nights = days_read(table, walk.day, settings.late_days).get(_EVENTS)
        children.append(walk.log_lines(ids, nights))
    name = f"{table} {', '.join(f'{column}={row[column]}' for column in contract.key)}"
    others = [f"{column} {value}" for column, value in row.items() if column not in contract.key]
    more = f", and {len(others) - _MAX_COLUMNS} more columns" if len(others) > _MAX_COLUMNS else ""
    values = f"{', '.join(others[:_MAX_COLUMNS])}{more}"
    return Node((name, values, *walk.describe(table, publication)), tuple(children))


def model_provenance(settings: Settings, version: str) -> Node:
    """Return the training of a version of a model, and the tables that it was trained on."""
    return _Walk(settings, dt.date.max)._model(version, reader="")


@dataclass
class _Walk:
    """A walk down from one row that expands every commit only once."""

    settings: Settings
    day: dt.date
    """The row's day; the row contains no data of later days."""
    event_versions: list[int] = field(default_factory=list)
    """Versions of silver.behavior_events that were read on the way."""
    expanded: set[tuple[str, int]] = field(default_factory=set)
    """Tables and versions that were expanded already."""
    histories: dict[str, list[Publication]] = field(default_factory=dict)

    def publication(self, table: str, day: dt.date, until: int | None = None) -> Publication | None:
        """Return the last publication of the day, or else of the last day before it, up to version `until`."""
        if table not in self.histories:
            # Read from the newest version: delta-rs 1.6 numbers commits wrongly in the history of an older version.
            self.histories[table] = lake.publications(self.settings.uri(table))
        candidates = [p for p in self.histories[table] if p.day <= day and (until is None or p.version <= until)]
        return max(candidates, key=lambda p: (p.day, p.version), default=None)

    def describe(self, table: str, publication: Publication | None) -> Iterator[str]:
        """Yield lines that describe a publication, and how many of its files are gone."""
        if publication is None:
            yield "no commit records how it was made"
            return
        when = publication.made_at.astimezone(self.settings.timezone)
        yield (
            f"{publication.day} published as version {publication.version} on {when:%Y-%m-%d at %H:%M:%S %Z}: "
            f"{publication.rows:,} rows, attempt {publication.attempt}"
        )
        made_by = publication.made_by
        yield f"by {made_by.get('run', 'unknown')}, code {made_by.get('code', 'unknown')}"
        if landed := made_by.get("landed"):
            yield f"from the landing: {', '.join(f'{feed} {digest}' for feed, digest in sorted(landed.items()))}"
        store, root = lake.filesystem(self.settings.uri(table))
        files = store.get_file_info([f"{root}/{path}" for path in publication.files])
        if gone := sum(not file.is_file for file in files):
            yield f"{gone} of its {len(files)} files are gone: a later version replaced them"

    def children(self, table: str, publication: Publication | None) -> Iterator[Node]:
        """Yield the nodes of a publication's model and input tables."""
        if publication is not None and publication.made_by.get("model"):
            yield self._model(publication.made_by["model"], table)
        yield from self._inputs(publication.made_by.get("inputs", {}) if publication else {}, table)

    def _inputs(self, inputs: Mapping[str, int], reader: str) -> Iterator[Node]:
        for table, version in sorted(inputs.items()):
            yield self._input(table, version, reader)

    def _input(self, table: str, version: int, reader: str) -> Node:
        if table not in tables():
            return Node((f"{table} at version {version}, which is no longer a table of the lake",))
        try:
            days = lake.days(self.settings.uri(table), version, load_contract(table).day_column)
        except lake.VersionGone as error:
            return Node((f"{table} at version {version}, which is gone: {error}",))
        if table == _EVENTS:
            self.event_versions.append(version)
        name = f"{table} at version {version}, which had {len(days)} day{'s' * (len(days) != 1)}"
        if table == reader:
            return Node((f"{name}: its own earlier state",))
        publication = self.publication(table, self.day, version)
        if publication is None:
            return Node((name, "no commit records how it was made"))
        if (table, publication.version) in self.expanded:
            return Node((f"{name}: see above",))
        self.expanded.add((table, publication.version))
        return Node((name, *self.describe(table, publication)), tuple(self.children(table, publication)))

    def _model(self, version: str, reader: str) -> Node:
        from jobs.platform import tracking  # MLflow takes seconds to import, and not every table has a model

        training = tracking.training(self.settings, version)
        if training is None:
            return Node((f"model {version}, which MLflow does not have",))
        made_by = f"trained by {training.scheduler_run}, code {training.code}"
        name = f"model {version}: {training.name} version {training.number} in MLflow, run {training.run}"
        if not training.inputs:
            made_by += ", on no table: its code draws what it learns from"
        return Node((name, made_by), tuple(self._inputs(training.inputs, reader)))

    def log_lines(self, ids: Mapping[str, Any], nights: Sequence[dt.date] | None) -> Node:
        """Return the node of the log's lines with these ids that had arrived by the row's day.

        Args:
            ids: those of `_IDS` that the row has, with their values.
            nights: if the row's table is made from the log's events, the nights whose arrivals it reads.
        """
        if not ids or not self.event_versions:
            reason = "its key has no user or video" if self.event_versions else f"nothing above was read from {_EVENTS}"
            return Node((f"no lines of the log: {reason}",))
        version = max(self.event_versions)
        condition = (ds.field("arrival_date") <= self.day) & (ds.field("event_date") <= self.day)
        if nights is not None:
            condition &= ds.field("arrival_date").isin(nights)
        for name, value in ids.items():
            condition &= ds.field(name) == value
        name = f"of {', '.join(f'{name} {value}' for name, value in ids.items())} by {self.day} ({_EVENTS} {version})"
        columns = [*_LINE, "video_id", "time_ms", *_ACTIONS]
        try:
            rows = lake.arrow(self.settings.uri(_EVENTS), version).to_table(columns=columns, filter=condition)
        except FileNotFoundError as error:
            return Node((f"the lines of the log {name} are gone: {error}",))
        newest_first = [("time_ms", "descending"), *((column, "ascending") for column in _LINE)]
        newest = rows.take(pc.select_k_unstable(rows, MAX_LINES, newest_first)).to_pylist()
        lines = [Node((self._describe_event(row),)) for row in newest]
        if rows.num_rows > MAX_LINES:
            lines.append(Node((f"and {rows.num_rows - MAX_LINES:,} earlier ones",)))
        return Node((f"{rows.num_rows:,} lines of the log {name}, the newest first",), tuple(lines))

    def _describe_event(self, row: Mapping[str, Any]) -> str:
        when = dt.datetime.fromtimestamp(row["time_ms"] / 1000, self.settings.timezone)
        actions = [action for column, action in _ACTIONS.items() if row[column]]
        return (
            f"{row['log_file']} line {row['log_line']}: {when:%Y-%m-%d %H:%M}, video {row['video_id']}"
            f"{', ' * bool(actions)}{', '.join(actions)}"
        )
