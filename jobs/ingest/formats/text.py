"""Read the lines of a text file with strict decoding: invalid bytes are never replaced silently."""

import codecs
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from infra.storage import Location
from jobs.ingest.formats.compression import bad_file, unpacked
from jobs.ingest.formats.format import Format

LONGEST_LINE = 1 << 20
"""In bytes. A longer line is not a log line, and every reader would have to keep it in memory."""

_HIGHEST_UNDECODED_SHARE = 0.05
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_WIDE = ("utf-16", "utf-32")


class Line(NamedTuple):
    """One line without its line end (LF or CR LF)."""

    number: int
    """Starting at 1."""
    text: str
    problem: str | None = None
    """Why the line cannot be decoded; its text then contains invalid bytes as `\\xNN`."""


def lines(path: Location, how: Format) -> Iterator[Line]:
    """Read a text file to its end.

    Raises:
        BadInput: the file cannot be unpacked, a line is longer than LONGEST_LINE, or so many lines cannot be decoded that the
            file must have another encoding.
    """
    encoding = "utf-8" if how.encoding.startswith(("utf-8", *_WIDE)) else how.encoding
    undecoded = decoded_non_ascii = 0
    first_error = None
    for number, line in enumerate(_split(path, _single_bytes(path, how)), 1):
        if number == 1:
            line = _without_mark(path, line, how)
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError as error:
            undecoded += 1
            first_error = first_error or (number, error)
            byte = error.object[error.start]
            problem = f"byte {error.start + 1} (0x{byte:02x}) is not {how.encoding}"
            yield Line(number, line.decode("ascii", "backslashreplace"), problem)
        else:
            decoded_non_ascii += not text.isascii()
            if "\0" in text:
                yield Line(number, text.replace("\0", "\\x00"), f"byte {line.index(0) + 1} is NUL")
            else:
                yield Line(number, text)
    # A file has one encoding. If most non-ASCII lines cannot be decoded, the others may have been decoded wrongly.
    too_many = undecoded > max(1, _HIGHEST_UNDECODED_SHARE * number) or undecoded > decoded_non_ascii > 0
    if first_error and too_many:
        line_number, decode_error = first_error
        byte = decode_error.object[decode_error.start]
        raise bad_file(
            path,
            f"is not {how.encoding}: line {line_number} (byte 0x{byte:02x}) and {undecoded - 1} others",
            "set its encoding in a mapping, e.g. encoding: gb18030",
        )


def _single_bytes(path: Location, how: Format) -> Iterable[bytes]:
    """Yield the blocks of a file in an encoding in which the byte 0x0A is always a line feed."""
    blocks = unpacked(path, how.compression)
    if not how.encoding.startswith(_WIDE):
        return blocks
    return _to_utf_8(path, blocks, how.encoding)


def _to_utf_8(path: Location, blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in blocks:
            yield decoder.decode(block).encode()
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise bad_file(path, f"is not {encoding} ({error})", "set its encoding in a mapping") from error


def _split(path: Location, blocks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        if len(rest) > LONGEST_LINE or any(len(line) > LONGEST_LINE for line in whole):
            raise bad_file(path, f"has a line of more than {LONGEST_LINE:,} bytes", "check its origin")
        for line in whole:
            yield line.removesuffix(b"\r")
    if rest:
        yield rest.removesuffix(b"\r")


def _without_mark(path: Location, line: bytes, how: Format) -> bytes:
    if how.encoding == "utf-8-sig" or how.encoding.startswith(
        _WIDE
    ):  # UTF-16 and UTF-32 are already converted to UTF-8
        return line.removeprefix(codecs.BOM_UTF8)
    for mark, encoding in _MARKS.items():
        if line.startswith(mark):
            raise bad_file(
                path,
                f"begins with the byte order mark of {encoding}",
                f"land it without one, or set encoding: {encoding} in a mapping",
            )
    return line
