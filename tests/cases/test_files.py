"""Odd files that people met: each is read exactly, or refused in one line, or its odd rows are kept aside with a reason.

The table in README.md says where each was reported. What the landing's check accepts is always what ingest reads.
"""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.ingest import landing, manifest
from jobs.ingest.feeds import BEHAVIOR_LOGS, CAMPAIGNS, NIGHTLY, USERS, VIDEOS
from jobs.ingest.landed import landed_rows
from jobs.ingest.parse import parse
from jobs.ingest.snapshot import mark_duplicates
from jobs.platform.errors import NightreelError
from jobs.platform.job_context import JobContext
from jobs.platform.pseudonym import key, pseudonym
from jobs.platform.settings import settings
from jobs.platform.spark_errors import convert_spark_errors
from tests.jobs.ingest.nights import MAY_1, NOON_MAY_1, SNAPSHOTS, line, rows_by_file

HEADERS = {feed: ",".join(NIGHTLY[feed].required) for feed in NIGHTLY}
TITLED = f"{HEADERS[VIDEOS]},title"
REST_OF_VIDEO = SNAPSHOTS[VIDEOS].partition(",")[2]
REST_OF_USER = SNAPSHOTS[USERS].partition(",")[2]
Files: TypeAlias = Mapping[str, bytes]


def packed(*lines: str, encoding: str = "utf-8", end: str = "\n") -> bytes:
    return gzip.compress(end.join([*lines, ""]).encode(encoding), mtime=0)


def videos(*titles: str, header: str = TITLED, encoding: str = "utf-8") -> bytes:
    return packed(header, *(f"{n},{REST_OF_VIDEO},{title}" for n, title in enumerate(titles, 1)), encoding=encoding)


def users(*ids: str) -> bytes:
    return packed(HEADERS[USERS], *(f"{user},{REST_OF_USER}" for user in ids))


def campaigns(*rows: str, header: str = HEADERS[CAMPAIGNS]) -> bytes:
    return packed(header, *rows)


def log(*lines: str) -> bytes:
    return packed(HEADERS[BEHAVIOR_LOGS], *lines)


def write_files(home: Path, feed: str, files: Files) -> None:
    folder = landing.folder(home / "landing", feed, MAY_1)
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    (folder / landing.MARKER).touch()


_SHOWN = {
    BEHAVIOR_LOGS: ("user_id", "play_time_ms"),
    USERS: ("user_id",),
    VIDEOS: ("video_id", "title"),
    CAMPAIGNS: ("bid", "budget"),
}
"""Key of a feed's rows, and what the cases are about."""


def outcome(home: Path, feed: str) -> tuple[list[tuple[object, ...]], list[str]]:
    """What is taken in of a feed (key, and what the case is about), and the reasons of what is kept aside, both in order.

    Raises:
        NightreelError: the landing's check refuses it; ingest then does so too.
    """
    night = JobContext(MAY_1, settings())
    try:
        counted = sum(rows_by_file(home / "landing", feed).values())
        manifest.digest(home / "landing", feed, MAY_1)
    except NightreelError:
        with pytest.raises(NightreelError), convert_spark_errors(feed):
            landed_rows(night, feed).count()
        raise
    found = parse(landed_rows(night, feed), NIGHTLY[feed], settings())
    rows = (
        found.withColumn("is_duplicate", F.lit(False))
        if feed == BEHAVIOR_LOGS
        else mark_duplicates(found, NIGHTLY[feed])
    )
    with convert_spark_errors(feed):
        all_rows = rows.orderBy("log_file", "log_line").collect()
    assert len(all_rows) == counted
    shown = _SHOWN[feed]
    kept = [tuple(row[name] for name in shown) for row in all_rows if not row.reasons and not row.is_duplicate]
    return kept, [reason for row in all_rows for reason in row.reasons]


def titles(*expected: str | None) -> list[tuple[object, ...]]:
    return [(n, title) for n, title in enumerate(expected, 1)]


READ: dict[str, tuple[str, Files, list[tuple[object, ...]], list[str]]] = {
    "hidden files": (
        VIDEOS,
        {
            "part.csv.gz": videos("a"),
            ".DS_Store": b"\0\0\0\1Bud1",
            "._part.csv.gz": b"\0\5\26\7",
            ".part.csv.gz.crc": b"crc",
            "Thumbs.db": b"\xd0\xcf",
            "desktop.ini": b"[x]",
            "_temporary/0": b"",
            ".ipynb_checkpoints/part.csv.gz": videos("old"),
        },
        titles("a"),
        [],
    ),
    "a comma as decimal point": (
        CAMPAIGNS,
        {"part.csv.gz": campaigns("1,Spring sale,Acme,food,1,1,50,100", "2,Summer,Acme,food,2,0.5,250")},
        [(0.5, 250.0)],
        ["7 fields expected, found 8"],
    ),
    "a row cut short": (USERS, {"part.csv.gz": users("1,full_active\n2")}, [("2",)], ["31 fields expected, found 2"]),
    "a title in some parts": (
        VIDEOS,
        {
            "part-0.csv.gz": packed(HEADERS[VIDEOS], f"1,{REST_OF_VIDEO}"),
            "part-1.csv.gz": packed(TITLED, f"2,{REST_OF_VIDEO},b"),
        },
        [(1, None), (2, "b")],
        [],
    ),
    "a title in the first part only, columns in another order": (
        VIDEOS,
        {
            "part-0.csv.gz": packed(TITLED, f"1,{REST_OF_VIDEO},a"),
            "part-1.csv.gz": packed(
                "tag,video_id," + ",".join(NIGHTLY[VIDEOS].required[1:-1]), "food,2,7,NORMAL,2022-04-10,x,0,1,1,1,1,1"
            ),
        },
        [(1, "a"), (2, None)],
        [],
    ),
    "NaN and infinity": (
        CAMPAIGNS,
        {
            "part.csv.gz": campaigns(
                "1,a,b,c,1,NaN,1",
                "2,a,b,c,1,1,Infinity",
                "3,a,b,c,1,inf,1",
                "4,a,b,c,1,1,-1e999",
                "5,a,b,c,1,1d,1",
                "6,a,b,c,1,1e1,1",
            )
        },
        [(10.0, 1.0)],
        [
            "bid is no double: 'NaN'",
            "budget is no double: 'Infinity'",
            "bid is no double: 'inf'",
            "budget is no double: '-1e999'",
            "bid is no double: '1d'",
        ],
    ),
    "names that file systems know and Spark does not": (
        VIDEOS,
        {
            f"{name}.csv.gz": packed(TITLED, f"{n},{REST_OF_VIDEO},t")
            for n, name in enumerate(
                ("2022-05-01T00:00:00", "export (1)", "part%201", "part[1]", "p{a,b}", "q*", "r?", "zz\\1", "日志-1"), 1
            )
        },
        [(n, "t") for n in range(1, 10)],
        [],
    ),
    "a name in capitals": (VIDEOS, {"PART.CSV.GZ": videos("a")}, titles("a"), []),
    "line breaks in quotes": (
        VIDEOS,
        {"part.csv.gz": videos('"two\nlines"', '"three\n\nlines"', "x")},
        titles("two\nlines", "three\n\nlines", "x"),
        [],
    ),
    "line ends of others inside a title": (
        VIDEOS,
        {"part.csv.gz": videos("a\u2028b", "c\x0cd", "e\x85f")},
        titles("a\u2028b", "c\x0cd", "e\x85f"),
        [],
    ),
    "carriage returns before line feeds": (
        VIDEOS,
        {"part.csv.gz": packed(TITLED, f"1,{REST_OF_VIDEO},a", end="\r\n")},
        titles("a"),
        [],
    ),
    "no line feed at the end": (
        VIDEOS,
        {"part.csv.gz": gzip.compress(f"{TITLED}\n1,{REST_OF_VIDEO},a".encode(), mtime=0)},
        titles("a"),
        [],
    ),
    "nulls of MySQL and Hive": (
        VIDEOS,
        {"part.csv.gz": videos("\\N", "NULL", "ok", "null")},
        titles(None, None, "ok", "null"),
        [],
    ),
    "a null in a number": (
        CAMPAIGNS,
        {"part.csv.gz": campaigns("1,a,b,c,1,1,1", "2,a,b,c,1,\\N,1")},
        [(1.0, 1.0)],
        ["bid is missing"],
    ),
    "a quoted header": (
        CAMPAIGNS,
        {"part.csv.gz": campaigns("1,a,b,c,1,1,1", header='"' + HEADERS[CAMPAIGNS].replace(",", '","') + '"')},
        [(1.0, 1.0)],
        [],
    ),
    "numbers of pandas in the log": (
        BEHAVIOR_LOGS,
        {"part.csv.gz": log(line(7, play="3000.0"), line("7.0", play=3000), line(" 07", play="3000.5"))},
        [("7", 3000), ("7", 3000)],
        ["play_time_ms is no bigint: '3000.5'"],
    ),
    "ids in many forms": (
        USERS,
        {
            "part.csv.gz": users(
                "1",
                "2.0",
                "003",
                " 4",
                "5\u00a0",
                '"6"',
                "1e3",
                "+8",
                "-0",
                "９",
                "1_0",
                "7\u2028",
                "7.5",
                "",
                "9007199254740993.0",
                "9223372036854775808",
                "9223372036854775807",
                "x",
            )
        },
        [("1",), ("2",), ("3",), ("4",), ("5",), ("6",), ("9223372036854775807",)],
        ["user_id_is_pseudonym: user_id RLIKE '^[0-9a-f]{32}$'"] * 11,
    ),
    "the same id in two forms": (USERS, {"part.csv.gz": users("3", "3.0", "03")}, [("3",)], []),
    "numbers that no sum can bear": (
        BEHAVIOR_LOGS,
        {"part.csv.gz": log(line(1, play=2**63 - 1), line(2, play=2**63), line(3, play=86_400_000))},
        [("3", 86_400_000)],
        ["play_time_ms_at_most_a_day: play_time_ms <= 86400000", f"play_time_ms is no bigint: '{2**63}'"],
    ),
    "flags as words": (
        BEHAVIOR_LOGS,
        {"part.csv.gz": log(line(1, click="True"), line(2, click="1.0"), line(3, click=""))},
        [("2", 5000)],
        ["is_click is no int: 'True'", "is_click is missing"],
    ),
    "times in seconds": (
        BEHAVIOR_LOGS,
        {"part.csv.gz": log(line(1, time_ms=NOON_MAY_1 // 1000), line(2))},
        [("2", 5000)],
        [f"time_in_seconds: time_ms should be in milliseconds: {NOON_MAY_1 // 1000}"],
    ),
    "gzip in members, padded with zeros": (
        VIDEOS,
        {"part.csv.gz": packed(TITLED, f"1,{REST_OF_VIDEO},a") + packed(f"2,{REST_OF_VIDEO},b") + bytes(512)},
        titles("a", "b"),
        [],
    ),
    "the empty last block of bgzip": (
        VIDEOS,
        {"part.csv.gz": videos("a") + bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")},
        titles("a"),
        [],
    ),
    "a trailing delimiter": (
        CAMPAIGNS,
        {"part.csv.gz": campaigns("1,a,b,c,1,1,1,", "2,a,b,c,1,1,1")},
        [(1.0, 1.0)],
        ["7 fields expected, found 8"],
    ),
    "quotes inside of quotes": (
        VIDEOS,
        {"part.csv.gz": videos('"the 5" screen"', 'say "hi, there"', '"b', "plain", '5" screen', '"a ""b"""')},
        [(4, "plain"), (5, '5" screen'), (6, 'a "b"')],
        ["no CSV: ',' expected after '\"'", "13 fields expected, found 14", "a quote that is never closed"],
    ),
    "bytes that are no text": (
        VIDEOS,
        {"part.csv.gz": videos("a\0b", "c", "d")},
        [(2, "c"), (3, "d")],
        ["byte 80 is NUL"],
    ),
    "thousands of characters": (
        VIDEOS,
        {"part.csv.gz": videos("x" * 200_000, "y")},
        [(2, "y")],
        ["title_at_most_2000_characters: title IS NULL OR length(title) <= 2000"],
    ),
    "a byte order mark in the middle": (
        USERS,
        {"part.csv.gz": users("1", "\ufeff2")},
        [("1",)],
        ["user_id_is_pseudonym: user_id RLIKE '^[0-9a-f]{32}$'"],
    ),
    "days that are none": (
        VIDEOS,
        {
            "part.csv.gz": packed(
                HEADERS[VIDEOS],
                *(
                    f"{n},7,NORMAL,{day},x,0,1,1,1,1,1,food"
                    for n, day in enumerate(
                        (
                            "2022-04-10",
                            "2022-04-10 00:00:00",
                            "0000-00-00",
                            "2022",
                            "2022-02-30",
                            "20220410",
                            "04/10/2022",
                        ),
                        1,
                    )
                ),
            )
        },
        [(1, None), (2, None)],
        [f"upload_dt is no date: '{day}'" for day in ("0000-00-00", "2022", "2022-02-30", "20220410", "04/10/2022")],
    ),
}


@pytest.mark.parametrize("case", READ)
def test_what_can_be_read_is_read(home: Path, spark: SparkSession, case: str) -> None:
    feed, files, expected, reasons = READ[case]
    write_files(home, feed, files)
    kept, kept_aside = outcome(home, feed)
    if feed in (USERS, BEHAVIOR_LOGS):
        secret = key(settings())
        expected = [(pseudonym(int(str(user)), secret), *rest) for user, *rest in expected]
    assert (kept, kept_aside) == (expected, reasons)


def tar(content: bytes) -> bytes:
    packed_files = io.BytesIO()
    with tarfile.open(fileobj=packed_files, mode="w:gz") as archive:
        member = tarfile.TarInfo("part.csv")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed_files.getvalue()


SOUND = videos("a")
REFUSED: dict[str, tuple[Files, str]] = {
    "titles in GBK": (
        {"part.csv.gz": videos("四川火锅", "红烧肉", "小炒", "test", encoding="gbk")},
        "is not utf-8: line 2 (byte 0xcb)",
    ),
    "a byte order mark": (
        {"part.csv.gz": videos("a", encoding="utf-8-sig")},
        "begins with the byte order mark of utf-8-sig",
    ),
    "Unicode text of Excel": (
        {"part.csv.gz": videos("a", encoding="utf-16")},
        "begins with the byte order mark of utf-16",
    ),
    "carriage returns only": (
        {"part.csv.gz": packed(TITLED, f"1,{REST_OF_VIDEO},a", end="\r")},
        "has lines that end with carriage returns",
    ),
    "gzip, then other bytes": ({"part.csv.gz": SOUND + b"garbage"}, "is damaged or not a gzip file"),
    "gzip cut short": ({"part.csv.gz": SOUND[:-4]}, "is a truncated gzip file"),
    "files put together, headers and all": ({"part.csv.gz": SOUND + SOUND}, "line 3 repeats the header"),
    "an empty file": ({"part.csv.gz": b""}, "is empty"),
    "an empty file beside a sound one": ({"part-0.csv.gz": SOUND, "part-1.csv.gz": b""}, "is empty"),
    "a name that others hide": (
        {"part-0.csv.gz": SOUND, "_part-1.csv.gz": videos("b")},
        "files whose name begins with _ are not read",
    ),
    "a name that others hide, mapped": (
        {
            "_mapping.yaml": b"feed: videos\nformat: {compression: none}\n",
            "part-0.csv": gzip.decompress(SOUND),
            "_part-1.csv": gzip.decompress(videos("b")),
        },
        "files whose name begins with _ are not read",
    ),
    "plain text called gzip": ({"part.csv.gz": gzip.decompress(SOUND)}, "is damaged or not a gzip file"),
    "gzip twice": ({"part.csv.gz": gzip.compress(SOUND, mtime=0)}, "contains a gzip file"),
    "a zip in gzip": ({"part.csv.gz": gzip.compress(b"PK\3\4rest", mtime=0)}, "contains a zip file"),
    "a tar in gzip": ({"part.csv.gz": tar(gzip.decompress(SOUND))}, "part.csv.gz"),
    "a file that is still being written": (
        {"part-0.csv.gz": SOUND, "part-1.csv.gz.part": SOUND},
        "is not a .csv.gz file",
    ),
    "a folder among the files": ({"part-0.csv.gz": SOUND, "more.csv.gz/part.csv.gz": SOUND}, "is not a .csv.gz file"),
    "a column twice": ({"part.csv.gz": videos("a", header=f"{HEADERS[VIDEOS]},tag")}, "column 'tag' twice"),
    "a column without a name": ({"part.csv.gz": videos("a", header=f"{HEADERS[VIDEOS]},")}, "no name for column 13"),
    "a misspelt column": (
        {"part.csv.gz": videos("a", header=TITLED.replace("tag", "tags"))},
        "no column tag (it has 'tags')",
    ),
    "no header": ({"part.csv.gz": packed(f"1,{REST_OF_VIDEO},a")}, "has no column "),
    "no header in the second part": (
        {"part-0.csv.gz": SOUND, "part-1.csv.gz": packed(f"1,{REST_OF_VIDEO},a")},
        "has no column ",
    ),
    "the first line of Excel": (
        {"part.csv.gz": packed("sep=,", TITLED, f"1,{REST_OF_VIDEO},a")},
        "no name for column 2",
    ),
    "nothing but a header": ({"part.csv.gz": packed(TITLED)}, "contains a header but no row"),
    "nothing": ({}, "contains no .csv.gz file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_right_is_refused_in_one_line(home: Path, spark: SparkSession, case: str) -> None:
    files, said = REFUSED[case]
    write_files(home, VIDEOS, files)
    for feed, row in SNAPSHOTS.items():
        if feed != VIDEOS:
            write_files(home, feed, {"part.csv.gz": packed(HEADERS[feed], row)})
    write_files(home, BEHAVIOR_LOGS, {"part.csv.gz": log(line(1))})
    with pytest.raises(NightreelError) as refused:
        manifest.check(home / "landing", MAY_1)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    with pytest.raises(NightreelError) as refused_by_ingest, convert_spark_errors(VIDEOS):
        landed_rows(JobContext(MAY_1, settings()), VIDEOS).count()
    assert str(refused_by_ingest.value) == str(refused.value)
