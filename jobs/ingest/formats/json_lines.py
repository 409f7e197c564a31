"""JSON lines: an object a line; what stands inside an inner object has the names of both, `user.id`."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs.ingest.formats.format import Format
from jobs.ingest.formats.record import ERASED, USER_ID, Record, numbers
from jobs.ingest.formats.text import lines

_DIGITS = re.compile(r"\d+")


class _Twice(ValueError):
    """An object has a name twice, so that it is not known which value is meant."""


class _Text(str):
    """A number as it was written: a float would change it."""


def records(path: Path, how: Format, user_columns: frozenset[str]) -> Iterator[Record]:
    """The rows of a file, see `record.records`."""
    for line in lines(path, how):
        if line.text == ERASED:
            yield Record(line.number, ERASED, problem=ERASED)
            continue
        problem = line.problem
        if problem is None:
            try:
                found = json.loads(line.text, parse_float=_Text, parse_constant=_Text, object_pairs_hook=_object)
            except (ValueError, RecursionError) as error:
                problem = f"no JSON: {error}" if isinstance(error, ValueError) else "no JSON: nested too deeply"
            else:
                problem = _fault(found)
        if problem:
            # Which number is a user's cannot be known.
            yield Record(line.number, _DIGITS.sub("#", line.text), problem=problem, numbers=numbers(line.text))
            continue
        fields = dict(_flat(found))
        raw = json.dumps(_without_users(found, user_columns), ensure_ascii=False, separators=(",", ":"))
        yield Record(line.number, raw.replace("\\u0000", USER_ID), fields)


def _fault(found: Any) -> str | None:
    """What is wrong with a line's value."""
    if not isinstance(found, dict):
        return "no JSON object"
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        return f"no text: half of a character, \\u{ord(error.object[error.start]):04x}"
    return None


def text_of(value: Any) -> str | None:
    """A value as the text that a column of texts has for it."""
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
    found = dict(pairs)
    if len(found) < len(pairs):
        name = next(name for place, (name, _) in enumerate(pairs) if name in dict(pairs[:place]))
        raise _Twice(f"{name!r} is there twice")
    return found


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
