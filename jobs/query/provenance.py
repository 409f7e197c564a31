"""Where a row of a table comes from: the commit that published it, what made that, and so on down to the lines of the log."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds

from jobs.platform import lake
from jobs.platform.lake import Publication
from jobs.platform.settings import Settings
from schemas.contract import load_contract

MOST_LINES = 20
"""Lines of the log that are shown; the others are counted."""

_MOST_COLUMNS = 8
_EVENTS = "silver.behavior_events"
_WHO = ("user_id", "video_id")
_LINE = ("log_file", "log_line")
_WORDS = {
    "is_click": "click", "is_like": "like", "is_follow": "follow", "is_comment": "comment", "is_forward": "forward",
    "is_hate": "hate", "long_view": "long view",
}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """One place of the tree: its lines of text, and what stands below it."""

    lines: tuple[str, ...]
    below: tuple["Node", ...] = ()


def provenance(settings: Settings, table: str, row: Mapping[str, Any]) -> Node:
    """What a row was made from, as a tree whose root is the row.

    Args:
        settings: name the lake.
        table: layer and name.
        row: one row of the table as it is now, by column.
    """
    contract = load_contract(table)
    walk = _Walk(settings, row[contract.day_column])
    publication = walk.publication(table, walk.day)
    below = [*walk.below(table, publication)]
    if set(_LINE) <= row.keys():
        below.append(Node((f"line {row['log_line']} of {row['log_file']}",)))
    else:
        below.append(walk.log({name: row[name] for name in _WHO if name in contract.key}))
    name = f"{table} {', '.join(f'{column}={row[column]}' for column in contract.key)}"
    others = [f"{column} {value}" for column, value in row.items() if column not in contract.key]
    more = f", and {len(others) - _MOST_COLUMNS} more columns" if len(others) > _MOST_COLUMNS else ""
    values = f"{', '.join(others[:_MOST_COLUMNS])}{more}"
    return Node((name, values, *walk.published(table, publication)), tuple(below))


@dataclass
class _Walk:
    """One way down from a row, which looks below every commit once."""

    settings: Settings
    day: dt.date
    """The row's: nothing of later days went into it."""
    events: list[int] = field(default_factory=list)
    """Versions of silver.behavior_events that were read on the way."""
    passed: set[tuple[str, int]] = field(default_factory=set)
    """Tables and versions that were looked below."""
    histories: dict[str, list[Publication]] = field(default_factory=dict)

    def publication(self, table: str, day: dt.date, until: int | None = None) -> Publication | None:
        """The last commit up to a version that published the day, or else the latest day before it."""
        if table not in self.histories:
            # From the newest version: told to start at an older one, delta-rs 1.6 counts the commits wrongly.
            self.histories[table] = lake.publications(self.settings.uri(table))
        found = [p for p in self.histories[table] if p.day <= day and (until is None or p.version <= until)]
        return max(found, key=lambda p: (p.day, p.version), default=None)

    def published(self, table: str, publication: Publication | None) -> Iterator[str]:
        """What a commit says of itself, and whether its files are still there."""
        if publication is None:
            yield "no commit says what made it"
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
            yield f"{gone} of its {len(files)} files are gone: a later version took their place"

    def below(self, table: str, publication: Publication | None) -> Iterator[Node]:
        """The model that a commit names, and the tables that it read."""
        if publication is not None and publication.made_by.get("model"):
            yield self._model(publication.made_by["model"], table)
        yield from self._inputs(publication.made_by.get("inputs", {}) if publication else {}, table)

    def _inputs(self, inputs: Mapping[str, int], reader: str) -> Iterator[Node]:
        for table, version in sorted(inputs.items()):
            yield self._input(table, version, reader)

    def _input(self, table: str, version: int, reader: str) -> Node:
        try:
            days = lake.days(self.settings.uri(table), version, load_contract(table).day_column)
        except lake.VersionGone as error:
            return Node((f"{table} at version {version}, which is gone: {error}",))
        if table == _EVENTS:
            self.events.append(version)
        name = f"{table} at version {version}, which had {len(days)} day{'s' * (len(days) != 1)}"
        if table == reader:
            return Node((f"{name}: what was there before",))
        publication = self.publication(table, self.day, version)
        if publication is None:
            return Node((name, "no commit says what made it"))
        if (table, publication.version) in self.passed:
            return Node((f"{name}: see above",))
        self.passed.add((table, publication.version))
        return Node((name, *self.published(table, publication)), tuple(self.below(table, publication)))

    def _model(self, version: str, reader: str) -> Node:
        from jobs.platform import tracking  # MLflow takes seconds to import, and not every table has a model

        found = tracking.training(self.settings, version)
        if found is None:
            return Node((f"model {version}, which MLflow does not know",))
        made_by = f"trained by {found.scheduler_run}, code {found.code}"
        name = f"model {version}: {found.name} version {found.number} in MLflow, run {found.run}"
        return Node((name, made_by), tuple(self._inputs(found.inputs, reader)))

    def log(self, who: Mapping[str, Any]) -> Node:
        """The lines of the log that tell of a user, a video or both, of those that had arrived by the row's day."""
        if not who or not self.events:
            why = "its key names no user and no video" if self.events else f"nothing above was read from {_EVENTS}"
            return Node((f"no lines of the log: {why}",))
        version = max(self.events)
        known = (ds.field("arrival_date") <= self.day) & (ds.field("event_date") <= self.day)
        for name, value in who.items():
            known &= ds.field(name) == value
        name = f"of {', '.join(f'{name} {value}' for name, value in who.items())} by {self.day} ({_EVENTS} {version})"
        columns = [*_LINE, "video_id", "time_ms", *_WORDS]
        try:
            rows = lake.arrow(self.settings.uri(_EVENTS), version).to_table(columns=columns, filter=known)
        except FileNotFoundError as error:
            return Node((f"the lines of the log {name} are gone: {error}",))
        newest_first = [("time_ms", "descending"), *((column, "ascending") for column in _LINE)]
        newest = rows.take(pc.select_k_unstable(rows, MOST_LINES, newest_first)).to_pylist()
        lines = [Node((self._line(row),)) for row in newest]
        if rows.num_rows > MOST_LINES:
            lines.append(Node((f"and {rows.num_rows - MOST_LINES:,} earlier ones",)))
        return Node((f"{rows.num_rows:,} lines of the log {name}, the newest first",), tuple(lines))

    def _line(self, row: Mapping[str, Any]) -> str:
        when = dt.datetime.fromtimestamp(row["time_ms"] / 1000, self.settings.timezone)
        did = [word for flag, word in _WORDS.items() if row[flag]]
        return (
            f"{row['log_file']} line {row['log_line']}: {when:%Y-%m-%d %H:%M}, video {row['video_id']}"
            f"{', ' * bool(did)}{', '.join(did)}"
        )
