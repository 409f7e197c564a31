"""Users, videos and the watch history, from a landing to silver."""

import datetime as dt
from contextlib import suppress
from pathlib import Path

import pyarrow
import pyarrow.parquet
from pyspark.sql import SparkSession

from jobs.ingest import landing, users, videos, watch_history
from jobs.ingest.feeds import NIGHTLY, USERS, VIDEOS, WATCH_HISTORY
from jobs.platform.job_context import JobContext
from jobs.platform.pseudonym import key, pseudonym
from jobs.platform.settings import settings
from tests.jobs.ingest import nights
from tests.jobs.ingest.nights import MAY_1, ingest, write_feed

USER = '{},full_active,0,1,1,514,500+,150,"[100,1k)",34,"[30,60)",799,730+,1,1,29,949,1.0,0,0,14,135,6,3,0,0.0,1.0,,0.0,0.0,0.0'
VIDEO = "{},7,NORMAL,2022-04-10,LongImport,{},87433.0,720.0,1280.0,9155697141,9.0,{}"


def read(table: str) -> list[dict[str, object]]:
    return [row.asDict() for row in JobContext(MAY_1, settings()).lake.read(table).collect()]


def test_users_come_in_under_pseudonyms(home: Path, spark: SparkSession) -> None:
    write_feed(home, USERS, [USER.format(5), USER.format(6)])
    users.main(["--date", str(MAY_1)])
    rows = {row["user_id"]: row for row in read("silver.users")}
    assert rows.keys() == {pseudonym(n, key(settings())) for n in (5, 6)}
    row = rows[pseudonym(5, key(settings()))]
    assert (row["fans_user_num_range"], row["register_days"], row["onehot_feat4"], row["onehot_feat14"]) == (
        "[100,1k)",
        799,
        1,
        None,
    )


def test_videos_have_tags_and_visibility(home: Path, spark: SparkSession) -> None:
    rows = [
        VIDEO.format(1, "0.0", '"美食,旅游"') + ",深夜的面",
        VIDEO.format(2, "1.0", "39") + ",",
        VIDEO.format(3, "", "") + ",",
    ]
    write_feed(home, VIDEOS, rows, header=",".join((*NIGHTLY[VIDEOS].required, "title")))
    videos.main(["--date", str(MAY_1)])
    found = {
        row["video_id"]: (row["tags"], row["visible"], row["title"], row["upload_dt"]) for row in read("silver.videos")
    }
    day = dt.date(2022, 4, 10)
    assert found == {
        1: (["美食", "旅游"], True, "深夜的面", day),
        2: (["39"], False, None, day),
        3: ([], False, None, day),
    }


def test_every_row_is_kept_once_or_kept_aside(home: Path, spark: SparkSession) -> None:
    """In whatever order rows come: duplicates stay once, of rows with other values one stays, what breaks a rule goes aside."""
    one, other = VIDEO.format(1, "0.0", "39"), VIDEO.format("001", "1.0", "39")
    rows = [
        one,
        VIDEO.format("1.0", "0.0", "39"),
        other,
        VIDEO.format("one", "0.0", "39"),
        VIDEO.format(2, "0.0", "39"),
        "3,7",
    ]
    nights.write_landing(home, [nights.line(n) for n in range(30)])
    seen = []
    for order in (rows, rows[::-1]):
        write_feed(home, VIDEOS, order)
        with suppress(SystemExit):  # the books say that this is too much to go on with
            ingest()
        night = JobContext(MAY_1, settings())
        aside = night.lake.read("silver.quarantine").orderBy("raw").collect()
        seen.append(
            (
                sorted((row["video_id"], row["visible"]) for row in read("silver.videos")),
                [(row.raw.split(",")[0], [reason.split(":")[0] for reason in row.reasons]) for row in aside],
            )
        )
    assert seen[0] == seen[1]
    assert seen[0] == (
        [(1, False), (2, True)],
        [
            ("1", ["other_values"]),
            ("1.0", ["other_values"]),
            ("3", ["12 fields expected, found 2"]),
            ("one", ["video_id is no bigint"]),
        ],
    )


def test_the_watch_history_enters_once(home: Path, spark: SparkSession) -> None:
    day = dt.date(2022, 4, 24)
    sequences = pyarrow.table(
        {"user_id": [1, 2], "watch_seq": [[7, 8, 7], [9]], "like_seq": [[8], []], "long_watch_seq": [[7], [9]]},
        schema=pyarrow.schema(
            [("user_id", pyarrow.int64())]
            + [(name, pyarrow.list_(pyarrow.int64())) for name in ("watch_seq", "like_seq", "long_watch_seq")]
        ),
    )
    landing.write_folder(
        landing.folder(home / "landing", WATCH_HISTORY, day),
        lambda aside: pyarrow.parquet.write_table(sequences, aside / "user_sequences.parquet"),
    )
    for _ in range(2):
        watch_history.main(["--date", str(MAY_1)])
    user = pseudonym(1, key(settings()))
    rows = read("silver.watch_history")
    assert len(rows) == 4
    assert all(row["event_date"] == row["arrival_date"] == day for row in rows)
    mine = sorted(
        (row["position"], row["video_id"], row["is_like"], row["long_view"]) for row in rows if row["user_id"] == user
    )
    assert mine == [(1, 7, 0, 1), (2, 8, 1, 0), (3, 7, 0, 1)]


def test_without_a_history_there_is_nothing_to_do(home: Path, spark: SparkSession) -> None:
    watch_history.main(["--date", str(MAY_1)])
    assert not JobContext(MAY_1, settings()).lake.exists("silver.watch_history")
