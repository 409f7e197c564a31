from pathlib import Path

from jobs.ingest.formats import USER_ID, Format, Record, records
from jobs.ingest.gzip_file import write_gzip


def read(folder: Path, *lines: str) -> list[Record]:
    path = folder / "part.json.gz"
    write_gzip(path, ["\n".join(lines).encode()])
    return list(records(path, Format(kind="json"), {"user.id"}))


def test_values_are_the_texts_that_were_written(tmp_path: Path) -> None:
    (found,) = read(
        tmp_path,
        '{"user": {"id": 9007199254740993, "name": "美"}, "price": 1.50, "seen": true, "tags": ["a", 1], "no": null}',
    )
    assert found.fields == {
        "user.id": "9007199254740993",
        "user.name": "美",
        "price": "1.50",
        "seen": "1",
        "tags": '["a", 1]',
        "no": None,
    }
    assert "9007199254740993" not in found.raw
    assert USER_ID in found.raw


def test_what_is_no_object_is_one_broken_record_without_numbers(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        '{"a": 1}',
        '{"user": {"id": 77}, "a": 1, "a": 2}',
        "{'a': 1}",
        '{"a": 1} {"a": 2}',
        "[77]",
        "",
        '{"a": NaN}',
    )
    assert [record.problem for record in found[1:6]] == [
        "no JSON: 'a' is there twice",
        "no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        "no JSON: Extra data: line 1 column 10 (char 9)",
        "no JSON object",
        "no JSON: Expecting value: line 1 column 1 (char 0)",
    ]
    assert (found[1].raw, found[1].numbers) == ('{"user": {"id": #}, "a": #, "a": #}', ("77", "1", "2"))
    assert found[6].fields == {"a": "NaN"}  # which is a value of no column


def test_half_a_character_is_no_text(tmp_path: Path) -> None:
    half, whole = read(tmp_path, r'{"title": "\ud83d"}', r'{"title": "\ud83d\ude00"}')
    assert half.problem == r"no text: half of a character, \ud83d"
    assert whole.fields == {"title": "😀"}
