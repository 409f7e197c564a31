"""JSON lines: one object per line. Fields of an inner object are named with a dot: `user.id`."""

import json
import re
from collections.abc import Iterator
from typing import Any

from infra.storage import Location
from jobs.ingest.formats.format import Format
from jobs.ingest.formats.record import ERASED, USER_ID, Record, numbers
from jobs.ingest.formats.text import lines

_DIGITS = re.compile(r"\d+")


class _DuplicateKey(ValueError):
    """An object has a key twice, so its value is ambiguous."""


class _Text(str):
    """A number as it is written in the file; a float would change it."""


def records(path: Location, how: Format, user_columns: frozenset[str]) -> Iterator[Record]:
    """The rows of a file, see `record.records`."""
    for line in lines(path, how):
        if line.text == ERASED:
            yield Record(line.number, ERASED, problem=ERASED)
            continue
        problem = line.problem
        if problem is None:
            try:
                value = json.loads(line.text, parse_float=_Text, parse_constant=_Text, object_pairs_hook=_object)
            except (ValueError, RecursionError) as error:
                problem = f"no JSON: {error}" if isinstance(error, ValueError) else "no JSON: nested too deeply"
            else:
                problem = _problem(value)
        if problem:
            # Any of the numbers may be the user's id.
            yield Record(line.number, _DIGITS.sub("#", line.text), problem=problem, numbers=numbers(line.text))
            continue
        fields = dict(_flat(value))
        raw = json.dumps(_without_users(value, user_columns), ensure_ascii=False, separators=(",", ":"))
        yield Record(line.number, raw.replace("\\u0000", USER_ID), fields)


def _problem(value: Any) -> str | None:
    """Return what is wrong with a line's value, or None."""
    if not isinstance(value, dict):
        return "no JSON object"
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        return f"no text: half of a character, \\u{ord(error.object[error.start]):04x}"
    return None


def text_of(value: Any) -> str | None:
    """Return a JSON value as a string."""
    match value:
        case None:
            return None
        case bool():
            return str(int(value))
        case str():
            return str(value)
        case _:
            return json.dumps(value, ensure_ascii=False, default=str)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        name = next(name for place, (name, _) in enumerate(pairs) if name in dict(pairs[:place]))
        raise _DuplicateKey(f"{name!r} is there twice")
    return result


def _flat(value: dict[str, Any], outer: str = "") -> Iterator[tuple[str, str | None]]:
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _flat(inner, f"{outer}{name}.")
        else:
            yield outer + name, text_of(inner)


def _without_users(value: dict[str, Any], user_columns: frozenset[str], outer: str = "") -> dict[str, Any]:
    hidden: dict[str, Any] = {}
    for name, inner in value.items():
        if isinstance(inner, dict):
            hidden[name] = _without_users(inner, user_columns, f"{outer}{name}.")
        else:
            hidden[name] = USER_ID if outer + name in user_columns else inner
    return hidden
