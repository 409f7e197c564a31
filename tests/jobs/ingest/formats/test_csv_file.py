"""What was written as CSV is what is read; what is not CSV is one broken record, and never shifts or swallows another."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.ingest.formats import ERASED, USER_ID, Format, Record, records
from jobs.ingest.formats.text import LONGEST_LINE
from jobs.ingest.gzip_file import write_gzip
from jobs.platform.errors import BadInput

_in_one_folder = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_TEXT = st.text(
    st.one_of(
        st.sampled_from(',;\t"\\\n\r \u2028\u2029\x85\x0c\ufeff美'),
        st.characters(codec="utf-8", exclude_characters="\0"),
    ),
    max_size=12,
)


def read(folder: Path, contents: bytes, how: Format | None = None, users: tuple[str, ...] = ()) -> list[Record]:
    path = folder / "part.csv.gz"
    write_gzip(path, [contents])
    return list(records(path, how or Format(), users))


@_in_one_folder
@given(
    rows=st.lists(st.tuples(_TEXT, _TEXT, _TEXT), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_was_written_is_read(
    tmp_path: Path, rows: list[tuple[str, ...]], delimiter: str, encoding: str, end: str
) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow("abc")
    writer.writerows(rows)
    contents = written.getvalue().encode(encoding)
    found = read(tmp_path, contents, Format(delimiter=delimiter, encoding=encoding))
    assert [record.problem for record in found] == [None] * len(rows)
    # A carriage return before a line feed inside of quotes is a line end like any other.
    assert [tuple(record.fields.values()) for record in found] == [
        tuple(text.replace("\r\n", "\n") for text in row) for row in rows
    ]


@_in_one_folder
@given(
    lines=st.lists(
        st.one_of(st.just("1,2,3"), _TEXT.map(lambda text: text.replace("\n", "").replace("\r", ""))), max_size=20
    )
)
def test_a_line_that_is_no_row_breaks_no_other(tmp_path: Path, lines: list[str]) -> None:
    """Every line is in one record, and a sound one is read unless a quote that was opened before it is closed after it."""
    found = read(tmp_path, "\n".join(["a,b,c", *lines, ""]).encode())
    at = {record.line: record for record in found}
    quoted = any('"' in line for line in lines)
    for number, line in enumerate(lines, 2):
        if line == "1,2,3" and not quoted:
            assert at[number].fields == {"a": "1", "b": "2", "c": "3"}
    covered = sum(record.raw.count("\n") + 1 for record in found)
    assert covered == len(lines)


def test_a_quote_that_is_never_closed_costs_one_line(tmp_path: Path) -> None:
    found = read(tmp_path, b'a,b\n1,"open\n2,x\n3,"two\nlines"\n4,"5" screen"\n5,y\n')
    assert [(record.line, record.problem, record.fields.get("b")) for record in found] == [
        (2, "a quote that is never closed", None),
        (3, None, "x"),
        (4, None, "two\nlines"),
        (6, "no CSV: ',' expected after '\"'", None),
        (7, None, "y"),
    ]


def test_users_are_left_out_of_raw_texts(tmp_path: Path) -> None:
    found = read(tmp_path, b'a,user,b\n1,77,2\n1,"77","2,5"\n1,77\n', users=("user",))
    assert [(record.raw, record.fields["user"], record.numbers) for record in found] == [
        (f"1,{USER_ID},2", "77", ()),
        (f'1,{USER_ID},"2,5"', "77", ()),
        (f"1,{USER_ID}", "77", ("1", "77")),
    ]


def test_erased_lines_are_known(tmp_path: Path) -> None:
    found = read(tmp_path, b"a,b\nerased\n1,2\n")
    assert [record.problem for record in found] == [ERASED, None]


def test_bytes_of_another_encoding_are_never_replaced(tmp_path: Path) -> None:
    rows = [b"%d,x" % number for number in range(50)]
    found = read(tmp_path, b"\n".join([b"a,b", *rows, b"7,\xcb\xc4\xb4", b"8,\0"]))
    assert [(record.line, record.problem) for record in found if record.problem] == [
        (52, "byte 3 (0xcb) is not utf-8"),
        (53, "byte 3 is NUL"),
    ]
    assert found[50].raw == "7,\\xcb\\xc4\\xb4"
    titles = ["四川火锅", "红烧肉", "美食"]
    gbk = "\n".join(["a,b", *(f"{n},{title}" for n, title in enumerate(titles))]).encode("gbk")
    with pytest.raises(
        BadInput, match=r"is not utf-8: line 2 \(byte 0xcb\) and 2 others; set its encoding in a mapping"
    ):
        read(tmp_path, gbk)
    assert [record.fields["b"] for record in read(tmp_path, gbk, Format(encoding="gbk"))] == titles


HEADERS = {
    "a byte order mark": (b"\xef\xbb\xbfa,b\n1,2\n", "begins with the byte order mark of utf-8-sig"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "begins with the byte order mark of utf-16"),
    "no line feeds": (b"a,b\r1,2\r", "has lines that end with carriage returns"),
    "a name twice": (b"a,a\n1,2\n", "column 'a' twice"),
    "a name missing": (b"a,\n1,2\n", "no name for column 2"),
    "an empty line": (b"\na,b\n", "no name for column 1"),
    "the header again": (b"a,b\n1,2\na,b\n3,4\n", "line 3 repeats the header"),
    "a very long line": (b"a,b\n" + b"x" * LONGEST_LINE + b",1\n", "has a line of more than 1,048,576 bytes"),
}


@pytest.mark.parametrize("what", HEADERS)
def test_a_file_that_cannot_be_right_is_refused_in_one_line(tmp_path: Path, what: str) -> None:
    contents, said = HEADERS[what]
    with pytest.raises(BadInput) as refused:
        read(tmp_path, contents)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_backslashes_of_mysql_are_read_where_they_are_meant(tmp_path: Path) -> None:
    contents = b'a,b\nnorth rocks\\, au,1\n"say \\"hi, you\\"",2\n'
    found = read(tmp_path, contents, Format(escape="\\"))
    assert [record.fields["a"] for record in found] == ["north rocks, au", 'say "hi, you"']
    assert [record.problem is None for record in read(tmp_path, contents)] == [False, False]
