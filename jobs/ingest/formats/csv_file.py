"""CSV files: Python's csv module splits and unquotes the fields, and their number is checked, so that no field is shifted."""

import csv
import io
from collections import deque
from collections.abc import Iterator
from typing import Any

from infra.storage import Location
from jobs.ingest.formats.compression import bad_file
from jobs.ingest.formats.format import Format
from jobs.ingest.formats.record import ERASED, USER_ID, Record, numbers
from jobs.ingest.formats.text import LONGEST_LINE, Line, lines
from jobs.platform.whole_number import BLANKS

_MOST_LINES = 100
"""Maximum lines of one record. Otherwise an unclosed quote would turn the rest of the file into one field."""

csv.field_size_limit(LONGEST_LINE)


def names(path: Location, how: Format) -> tuple[str, ...]:
    """Return the names in the file's header, or those of the format if its files have no header."""
    return how.names or _header(path, how, lines(path, how))


def records(path: Location, how: Format, user_columns: frozenset[str]) -> Iterator[Record]:
    """Yield the rows of a file, see `record.records`."""
    file_lines = _Lines(lines(path, how))
    header = how.names or _header(path, how, file_lines)
    places = [place for place, name in enumerate(header) if name in user_columns]
    dialect = _dialect(how)
    for line in file_lines:
        if line.text == ERASED:
            yield Record(line.number, ERASED, problem=ERASED)
            continue
        fields, text, problem = _fields(line, file_lines, len(header), how, dialect)
        if problem is None and tuple(fields) == header:
            raise bad_file(
                path, f"line {line.number} repeats the header", "files were concatenated: land the original files"
            )
        raw = _without_users(fields, text, places, how, dialect)
        if problem:
            users: dict[str, str | None] = {header[place]: fields[place] for place in places if place < len(fields)}
            yield Record(line.number, raw, users, problem, numbers(text))
        else:
            yield Record(line.number, raw, dict(zip(header, fields, strict=True)))


class _Lines:
    """An iterator of lines that allows lines to be put back."""

    def __init__(self, source: Iterator[Line]) -> None:
        self._source = source
        self._returned: deque[Line] = deque()

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        return self._returned.popleft() if self._returned else next(self._source)

    def put_back(self, taken: list[Line]) -> None:
        """Put lines back, to be read next."""
        self._returned.extendleft(reversed(taken))


def _header(path: Location, how: Format, file_lines: Iterator[Line]) -> tuple[str, ...]:
    line = next(iter(file_lines))
    if line.problem:
        raise bad_file(
            path, f"has a header that is not {how.encoding} ({line.problem})", "set its encoding in a mapping"
        )
    if "\r" in line.text:
        raise bad_file(path, "has lines that end with carriage returns", "land it with line feeds")
    try:
        header = [name.strip(BLANKS) for name in next(csv.reader([line.text], **_dialect(how)))]
    except csv.Error as error:
        raise bad_file(path, f"has a header that is not valid CSV ({error})", "land it with a header") from error
    for place, name in enumerate(header or [""], 1):
        if not name or header.count(name) > 1:
            problem = f"column {name!r} twice" if name else f"no name for column {place}"
            raise bad_file(path, f"has an invalid header: {problem}", "land it with a unique name for each column")
    return tuple(header)


def _fields(
    line: Line, following_lines: _Lines, expected: int, how: Format, dialect: dict[str, Any]
) -> tuple[list[str], str, str | None]:
    """Return the fields of the record that begins with a line, its whole text, and its problem or None."""
    if line.problem:
        return _split_roughly(line.text, how), line.text, line.problem
    simple = not (how.quote and how.quote in line.text) and not (how.escape and how.escape in line.text)
    if simple:
        fields = line.text.split(how.delimiter)
        return fields, line.text, _wrong_count(fields, expected)
    taken: list[Line] = []
    text = line.text
    while True:
        try:
            fields, *more = csv.reader(io.StringIO(text, newline=""), **dialect)
            problem = "no CSV: a carriage return outside of quotes" if more else _wrong_count(fields, expected)
            unfinished = False
        except csv.Error as error:
            fields, problem = [], f"no CSV: {error}"
            unfinished = "unexpected end" in str(error)
        if not unfinished and not (taken and problem):
            return fields or _split_roughly(text, how), text, problem
        following = next(following_lines, None) if unfinished and len(taken) < _MOST_LINES else None
        if following is None or following.problem:
            # The following lines may be valid, so only the first line is rejected.
            following_lines.put_back([*taken, *([following] if following else [])])
            return _split_roughly(line.text, how), line.text, "a quote that is never closed"
        taken.append(following)
        text += "\n" + following.text


def _wrong_count(fields: list[str], expected: int) -> str | None:
    return None if len(fields) == expected else f"{expected} fields expected, found {len(fields)}"


def _split_roughly(text: str, how: Format) -> list[str]:
    return text.split(how.delimiter)


def _without_users(fields: list[str], text: str, places: list[int], how: Format, dialect: dict[str, Any]) -> str:
    if not places:
        return text
    # If no field contains a delimiter, the text itself is split, and keeps its quotes.
    is_splittable = len(fields) == text.count(how.delimiter) + 1 and not (how.escape and how.escape in text)
    hidden = text.split(how.delimiter) if is_splittable else fields.copy()
    for place in places:
        if place < len(hidden):
            hidden[place] = USER_ID
    if is_splittable:
        return how.delimiter.join(hidden)
    written = io.StringIO(newline="")
    csv.writer(written, **{**dialect, "lineterminator": ""}).writerow(hidden)
    return written.getvalue()


def _dialect(how: Format) -> dict[str, Any]:
    quoting = csv.QUOTE_MINIMAL if how.quote else csv.QUOTE_NONE
    return {
        "delimiter": how.delimiter,
        "quotechar": how.quote or None,
        "escapechar": how.escape or None,
        "doublequote": True,
        "quoting": quoting,
        "strict": True,
    }
