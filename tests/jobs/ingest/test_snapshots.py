"""Users, videos and the watch history, from a landing to silver."""

import datetime as dt
import gzip
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from pyspark.sql import SparkSession

from jobs.ingest import landing, users, videos, watch_history
from jobs.platform.night import Night
from jobs.platform.pseudonym import key, pseudonym
from jobs.platform.settings import settings
from tests.jobs.ingest.nights import MAY_1

USER = '{},full_active,0,1,1,514,500+,150,"[100,1k)",34,"[30,60)",799,730+,1,1,29,949,1.0,0,0,14,135,6,3,0,0.0,1.0,,0.0,0.0,0.0'
VIDEO = "{},7,NORMAL,2022-04-10,LongImport,{},87433.0,720.0,1280.0,9155697141,9.0,{}"


def lay(home: Path, feed: str, lines: list[str], more: str = "") -> None:
    header = ",".join(landing.COLUMNS[feed]) + more

    def write(aside: Path) -> None:
        (aside / "part.csv.gz").write_bytes(gzip.compress("\n".join([header, *lines, ""]).encode()))

    landing.lay(landing.folder(home / "landing", feed, MAY_1), write)


def read(table: str) -> list[dict[str, object]]:
    return [row.asDict() for row in Night(MAY_1, settings()).read(table).collect()]


def test_users_come_in_under_pseudonyms(home: Path, spark: SparkSession) -> None:
    lay(home, landing.USERS, [USER.format(5), USER.format(6)])
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
    lay(home, landing.VIDEOS, rows, ",title")
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


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([VIDEO.format(1, "0.0", "39")] * 2, "1 of 2 rows have the key of another one"),
        ([VIDEO.format("one", "0.0", "39")], "'one'"),
    ],
)
def test_a_snapshot_that_cannot_be_right_is_refused(
    home: Path, spark: SparkSession, lines: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(home, landing.VIDEOS, lines)
    with pytest.raises(SystemExit) as ended:
        videos.main(["--date", str(MAY_1)])
    assert ended.value.code == 65
    assert said in capsys.readouterr().err.splitlines()[-1]
    night = Night(MAY_1, settings())
    assert not night.exists("silver.videos") or not night.has_day("silver.videos", MAY_1)


def test_the_watch_history_enters_once(home: Path, spark: SparkSession) -> None:
    day = dt.date(2022, 4, 24)
    sequences = pyarrow.table(
        {"user_id": [1, 2], "watch_seq": [[7, 8, 7], [9]], "like_seq": [[8], []], "long_watch_seq": [[7], [9]]},
        schema=pyarrow.schema(
            [("user_id", pyarrow.int64())]
            + [(name, pyarrow.list_(pyarrow.int64())) for name in ("watch_seq", "like_seq", "long_watch_seq")]
        ),
    )
    landing.lay(
        landing.folder(home / "landing", landing.WATCH_HISTORY, day),
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
    assert not Night(MAY_1, settings()).exists("silver.watch_history")
