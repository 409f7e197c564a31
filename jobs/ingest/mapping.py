"""Mappings: how files become a feed's columns. One YAML file per feed, see `jobs/ingest/mappings/README.md`.

The mapping is stored in the landing next to the files, as `_mapping.yaml`, so that each landing keeps the mapping that reads it.
"""

import datetime as dt
import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from infra.storage import Location
from jobs.ingest.feeds import FEEDS, VIDEO_PROMPTS, WATCH_HISTORY, Feed
from jobs.ingest.formats import Format
from jobs.platform.errors import UsageError

NULLS = ("", "\\N", "NULL")
"""Default strings for a missing value: the empty string, and what MySQL and Hive write."""

SHIPPED = Path(__file__).with_name("mappings")
"""The shipped layouts: one folder per layout, one mapping per feed."""


class Source(BaseModel):
    """Where the values of one column come from: one of `from`, `value` and `expr`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str | None = Field(default=None, alias="from")
    """A column of the files."""
    value: str | None = None
    """A constant for all rows."""
    expr: str | None = None
    """Spark SQL over the files' columns, which are all strings."""
    unit: Literal["s", "ms", "us", "ns", "iso"] | None = None
    """Unit of a time since 1970, or ISO 8601. The time is converted to milliseconds since 1970."""
    zone: str | None = None
    """Time zone of ISO times without one; by default the lake's."""
    default: str | None = None
    """Replaces missing values."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The files' columns that it reads; for an expression, all names in it that may be columns."""
        return (self.column,) if self.column is not None else tuple(identifiers(self.expr or ""))

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.column, self.value, self.expr)) != 1:
            raise ValueError("give exactly one of from, value and expr")
        if self.zone and self.unit != "iso":
            raise ValueError("zone requires unit: iso")
        return self


def _source(given: Any) -> Any:
    if isinstance(given, str):
        return {"from": given}
    if isinstance(given, dict):
        return {
            key: str(text) if isinstance(text, int | float) and key in ("value", "default") else text
            for key, text in given.items()
        }
    return given


def _tab(given: Any) -> Any:
    return {**given, "delimiter": "\t"} if isinstance(given, dict) and given.get("delimiter") == "\\t" else given


class Mapping(BaseModel):
    """How to find and read the files of one feed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feed: str
    files: str = "*.csv.gz"
    """Glob of the files, relative to the source folder; `{date}` is replaced by the night."""
    format: Annotated[Format, BeforeValidator(_tab)] = Format()
    nulls: tuple[str, ...] = NULLS
    """Strings that mean a missing value."""
    decimal_comma: bool = False
    """True if fractions are written with a comma."""
    night: Annotated[Source, BeforeValidator(_source)] | None = None
    """For files of several nights, how to get the night of a row: a column with a date (2022-05-01, 20220501), or a time with its
    unit."""
    day: dt.date | None = None
    """The day under which the files land, if it is not the night: the last day of a history."""
    columns: dict[str, Annotated[Source, BeforeValidator(_source)]] | None = None
    """Column of the feed -> its source; None if the files have the feed's own column names."""

    @property
    def source_columns(self) -> tuple[str, ...]:
        """The files' columns that are read."""
        if self.columns is None:
            return FEEDS[self.feed].columns
        return tuple(dict.fromkeys(name for source in self.columns.values() for name in source.reads))

    @property
    def user_columns(self) -> frozenset[str]:
        """The files' columns that identify the user."""
        if not FEEDS[self.feed].personal:
            return frozenset()
        if self.columns is None:
            return frozenset({"user_id"})
        return frozenset(self.columns["user_id"].reads)


def identifiers(expression: str) -> list[str]:
    """Return the names in an expression that may be columns, including quoted names and names with dots."""
    without_texts = re.sub(r"'(?:[^'\\]|\\.|'')*'", "''", expression)
    found = re.findall(r"`([^`]+)`|([^\W\d][\w.]*+)(?!\s*\()", without_texts)
    return list(dict.fromkeys(quoted or plain for quoted, plain in found))


def default(feed: Feed) -> Mapping:
    """Return the mapping of a landing that has none."""
    if feed.name == WATCH_HISTORY:
        return Mapping(feed=feed.name, files="*.parquet", format=Format(kind="parquet", compression="none"))
    if feed.name == VIDEO_PROMPTS:  # `\N` and `NULL` are texts that a user may write
        columns = {name: name.removeprefix("requested_") for name in feed.columns} | {"user_id": "user"}
        how = {"files": "*.jsonl.gz", "format": {"kind": "json"}, "nulls": [""], "columns": columns}
        return Mapping.model_validate({"feed": feed.name, **how})
    return Mapping(feed=feed.name)


def dump(mapping: Mapping) -> str:
    """Return a mapping as YAML, without the fields that only locate files in a source."""
    content = mapping.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"files", "night", "day"})
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def load(path: Location) -> Mapping:
    """Read a mapping.

    Raises:
        UsageError: it is not a valid mapping; the message gives the line and what to do.
    """
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, yaml.SafeLoader)
        for node in _duplicate_keys(root):
            raise UsageError(f"{path} line {node.start_mark.line + 1}: duplicate key {node.value}; keep one")
        mapping = Mapping.model_validate(yaml.safe_load(text))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path} line {line}: invalid YAML: {error.problem}; check indentation and quotes") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise UsageError(
            f"{path} line {_line(root, first['loc'])}: {f'{place}: ' if place else ''}{message}"
        ) from error
    for keys, message in _mismatches(mapping):
        raise UsageError(f"{path} line {_line(root, keys)}: {message}")
    return mapping


def _mismatches(mapping: Mapping) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what does not fit the feed: path of keys in the document, and a message with what to do."""
    if mapping.feed not in FEEDS:
        yield ("feed",), f"unknown feed {mapping.feed!r}; the feeds are: {', '.join(FEEDS)}"
        return
    feed, columns = FEEDS[mapping.feed], mapping.columns
    for name in columns or ():
        if name not in feed.columns:
            similar = get_close_matches(name, feed.columns, 1)
            remedy = f"did you mean {similar[0]}?" if similar else f"it has {', '.join(feed.columns)}"
            yield ("columns", name), f"{mapping.feed} has no column {name!r}; {remedy}"
    needed = [column.name for column in feed.typed if column.required]
    missing = [name for name in needed if columns is not None and name not in {*columns, *feed.defaults}]
    if missing:
        remedy = f"map each, or give it a value, e.g. {missing[0]}: {{value: 0}}"
        yield ("columns",), f"{mapping.feed} also requires {', '.join(missing)}; {remedy}"


def _duplicate_keys(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """Yield the repeated keys of a YAML mapping and of the mappings inside it."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            yield from _duplicate_keys(value)


def _line(node: yaml.Node | None, keys: tuple[int | str, ...]) -> int:
    """Return the line of a path of keys in the document, or of the last key of it that exists."""
    line = node.start_mark.line + 1 if node else 1
    for part in keys:
        if isinstance(node, yaml.MappingNode):
            item = next(((key, value) for key, value in node.value if key.value == part), None)
            if item is None:
                break
            line, node = item[0].start_mark.line + 1, item[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def layout(name_or_folder: str) -> MappingOf[str, Mapping]:
    """Return the mappings of a layout by feed.

    Args:
        name_or_folder: name of a shipped layout, or a folder with one YAML file per feed.

    Raises:
        UsageError: there is no such layout, or one of its files is not a valid mapping.
    """
    folder = SHIPPED / name_or_folder
    if "/" in name_or_folder or not folder.is_dir():
        folder = Path(name_or_folder)
    paths = sorted(folder.glob("*.yaml")) if folder.is_dir() else [folder] if folder.is_file() else []
    if not paths:
        shipped = ", ".join(sorted(path.name for path in SHIPPED.iterdir() if path.is_dir()))
        raise UsageError(
            f"MAPPING={name_or_folder} is neither a folder of mappings (one YAML file per feed) nor a shipped layout: {shipped}"
        )
    mappings: dict[str, Mapping] = {}
    for path in paths:
        mapping = load(path)
        if mapping.feed in mappings:
            raise UsageError(f"{path} is a second mapping of {mapping.feed}; keep one mapping per feed")
        mappings[mapping.feed] = mapping
    return mappings
