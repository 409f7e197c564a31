"""A mapping says how a landing's files become a feed's columns: a YAML file a feed, see `jobs/ingest/mappings/README.md`.

It lies in the landing beside the files, as `_mapping.yaml`: each landing keeps what it is to be read by.
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

from jobs.ingest.feeds import FEEDS, WATCH_HISTORY, Feed
from jobs.ingest.formats import Format
from jobs.platform.errors import UsageError

NULLS = ("", "\\N", "NULL")
"""Texts that stand for no value, unless a mapping says otherwise: an empty one, and those that MySQL and Hive write."""

SHIPPED = Path(__file__).with_name("mappings")
"""A folder a layout, with a mapping a feed."""


class Source(BaseModel):
    """Where the values of one column come from: one of `from`, `value` and `expr`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str | None = Field(default=None, alias="from")
    """A column of the files."""
    value: str | None = None
    """The same for all rows."""
    expr: str | None = None
    """Spark SQL over the files' columns, all of them texts."""
    unit: Literal["s", "ms", "us", "ns", "iso"] | None = None
    """Of a time: since 1970 in this unit, or ISO 8601. It becomes milliseconds since 1970."""
    zone: str | None = None
    """Of ISO times that do not name one; the lake's where it is not given."""
    default: str | None = None
    """Where there is no value."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The files' columns that it needs; of an expression, all names that may be columns."""
        return (self.column,) if self.column is not None else tuple(identifiers(self.expr or ""))

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.column, self.value, self.expr)) != 1:
            raise ValueError("give exactly one of from, value and expr")
        if self.zone and self.unit != "iso":
            raise ValueError("a zone goes with unit: iso")
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
    """How the files of one feed are found and read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feed: str
    files: str = "*.csv.gz"
    """Which files of a source, as a glob below its folder; `{date}` stands for the night."""
    format: Annotated[Format, BeforeValidator(_tab)] = Format()
    nulls: tuple[str, ...] = NULLS
    """Texts that stand for no value."""
    decimal_comma: bool = False
    """Whether fractions are written with a comma."""
    night: Annotated[Source, BeforeValidator(_source)] | None = None
    """Where files hold several nights, which one a row belongs to: a column with a date (2022-05-01, 20220501), or a time and its
    unit."""
    day: dt.date | None = None
    """The day that the files land under, where it is not the night: of a history, its end."""
    columns: dict[str, Annotated[Source, BeforeValidator(_source)]] | None = None
    """Column of the feed -> where it comes from; where it is not given, the files have the feed's own names."""

    @property
    def source_columns(self) -> tuple[str, ...]:
        """The files' columns that the feed's are made from."""
        if self.columns is None:
            return FEEDS[self.feed].columns
        return tuple(dict.fromkeys(name for source in self.columns.values() for name in source.reads))

    @property
    def user_columns(self) -> frozenset[str]:
        """The files' columns that tell who the user is."""
        if not FEEDS[self.feed].personal:
            return frozenset()
        if self.columns is None:
            return frozenset({"user_id"})
        return frozenset(self.columns["user_id"].reads)


def identifiers(expression: str) -> list[str]:
    """The names in an expression that may be columns, quoted ones and those with dots among them."""
    without_texts = re.sub(r"'(?:[^'\\]|\\.|'')*'", "''", expression)
    found = re.findall(r"`([^`]+)`|([^\W\d][\w.]*+)(?!\s*\()", without_texts)
    return list(dict.fromkeys(quoted or plain for quoted, plain in found))


def default(feed: Feed) -> Mapping:
    """How the files of a landing are read that brings no mapping."""
    if feed.name == WATCH_HISTORY:
        return Mapping(feed=feed.name, files="*.parquet", format=Format(kind="parquet", compression="none"))
    return Mapping(feed=feed.name)


def dump(mapping: Mapping) -> str:
    """A mapping as YAML, less what only says where a source has the files."""
    content = mapping.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"files", "night", "day"})
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def load(path: Path) -> Mapping:
    """Read a mapping.

    Raises:
        UsageError: it is no mapping; names the line and what to do.
    """
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, yaml.SafeLoader)
        for node in _twice(root):
            raise UsageError(f"{path} line {node.start_mark.line + 1}: {node.value} is there twice; keep one")
        mapping = Mapping.model_validate(yaml.safe_load(text))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path} line {line}: no YAML: {error.problem}; check its indents and quotes") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{path} line {_line(root, first['loc'])}: {f'{place}: ' if place else ''}{what}") from error
    for names, what in _misfits(mapping):
        raise UsageError(f"{path} line {_line(root, names)}: {what}")
    return mapping


def _misfits(mapping: Mapping) -> Iterator[tuple[tuple[str, ...], str]]:
    """What does not fit the feed: where it stands in the document, and what to do."""
    if mapping.feed not in FEEDS:
        yield ("feed",), f"there is no feed {mapping.feed!r}; there are: {', '.join(FEEDS)}"
        return
    feed, columns = FEEDS[mapping.feed], mapping.columns
    for name in columns or ():
        if name not in feed.columns:
            near = get_close_matches(name, feed.columns, 1)
            remedy = f"did you mean {near[0]}?" if near else f"it has {', '.join(feed.columns)}"
            yield ("columns", name), f"{mapping.feed} has no column {name!r}; {remedy}"
    needed = [column.name for column in feed.typed if column.required]
    missing = [name for name in needed if columns is not None and name not in {*columns, *feed.defaults}]
    if missing:
        remedy = f"map each, or give it a value, e.g. {missing[0]}: {{value: 0}}"
        yield ("columns",), f"{mapping.feed} needs {', '.join(missing)} as well; {remedy}"


def _twice(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """The keys that a mapping node already has."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            yield from _twice(value)


def _line(node: yaml.Node | None, place: tuple[int | str, ...]) -> int:
    """The line of what a place in the document names, or of the last part of it that is there."""
    line = node.start_mark.line + 1 if node else 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def layout(name_or_folder: str) -> MappingOf[str, Mapping]:
    """The mappings of a layout, by feed: of a shipped one by its name, or of a folder with a YAML file a feed.

    Raises:
        UsageError: there is no such layout, or one of its files is no mapping.
    """
    folder = SHIPPED / name_or_folder
    if "/" in name_or_folder or not folder.is_dir():
        folder = Path(name_or_folder)
    paths = sorted(folder.glob("*.yaml")) if folder.is_dir() else [folder] if folder.is_file() else []
    if not paths:
        shipped = ", ".join(sorted(path.name for path in SHIPPED.iterdir() if path.is_dir()))
        raise UsageError(
            f"MAPPING={name_or_folder} is no folder of mappings (a YAML file a feed), nor one that is shipped: {shipped}"
        )
    found: dict[str, Mapping] = {}
    for path in paths:
        mapping = load(path)
        if mapping.feed in found:
            raise UsageError(f"{path} maps {mapping.feed} once more; keep one mapping a feed")
        found[mapping.feed] = mapping
    return found
