"""The lines of a text file, decoded strictly: a byte that is not of the encoding is never replaced without a word."""

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from jobs.ingest.formats.compression import bad_file, unpacked
from jobs.ingest.formats.format import Format

LONGEST_LINE = 1 << 20
"""Bytes; a longer line is no log line, and what reads lines would hold it in memory whole."""

_MOST_UNDECODED = 0.05
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_WIDE = ("utf-16", "utf-32")


class Line(NamedTuple):
    """One line, without its line end (a line feed, with or without a carriage return before it)."""

    number: int
    """1 for the first."""
    text: str
    problem: str | None = None
    """Why the line is not of the file's encoding; its text then shows the bytes as `\\xNN`."""


def lines(path: Path, how: Format) -> Iterator[Line]:
    """Read a file of text to its end.

    Raises:
        BadInput: the file cannot be unpacked, a line is longer than LONGEST_LINE, or so many lines are not of the encoding that
            the file must be of another one.
    """
    encoding = "utf-8" if how.encoding.startswith(("utf-8", *_WIDE)) else how.encoding
    undecoded = others = 0
    first = None
    for number, line in enumerate(_split(path, _single_bytes(path, how)), 1):
        if number == 1:
            line = _without_mark(path, line, how)
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError as error:
            undecoded += 1
            first = first or (number, error)
            byte = error.object[error.start]
            problem = f"byte {error.start + 1} (0x{byte:02x}) is not {how.encoding}"
            yield Line(number, line.decode("ascii", "backslashreplace"), problem)
        else:
            others += not text.isascii()
            if "\0" in text:
                yield Line(number, text.replace("\0", "\\x00"), f"byte {line.index(0) + 1} is NUL")
            else:
                yield Line(number, text)
    # An encoding is a property of the file. Where most lines of text are of another one, the rest may only seem to be of this.
    if first and (undecoded > max(1, _MOST_UNDECODED * number) or undecoded > others > 0):
        wrong = first[1].object[first[1].start]
        what = f"line {first[0]} is not {how.encoding} (byte 0x{wrong:02x})"
        raise bad_file(
            path, f"{what}, nor are {undecoded - 1} others", "name its encoding in a mapping, e.g. encoding: gb18030"
        )


def _single_bytes(path: Path, how: Format) -> Iterable[bytes]:
    """The blocks of a file in an encoding in which the byte 0x0A is always a line feed."""
    blocks = unpacked(path, how.compression)
    if not how.encoding.startswith(_WIDE):
        return blocks
    return _to_utf_8(path, blocks, how.encoding)


def _to_utf_8(path: Path, blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in blocks:
            yield decoder.decode(block).encode()
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise bad_file(path, f"is not {encoding} ({error})", "name its encoding in a mapping") from error


def _split(path: Path, blocks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        if len(rest) > LONGEST_LINE or any(len(line) > LONGEST_LINE for line in whole):
            raise bad_file(path, f"has a line of more than {LONGEST_LINE:,} bytes", "check where it comes from")
        for line in whole:
            yield line.removesuffix(b"\r")
    if rest:
        yield rest.removesuffix(b"\r")


def _without_mark(path: Path, line: bytes, how: Format) -> bytes:
    if how.encoding == "utf-8-sig" or how.encoding.startswith(_WIDE):  # the latter is UTF-8 by now
        return line.removeprefix(codecs.BOM_UTF8)
    for mark, encoding in _MARKS.items():
        if line.startswith(mark):
            raise bad_file(
                path,
                f"begins with the byte order mark of {encoding}",
                f"land it without, or map it with encoding: {encoding}",
            )
    return line
