"""Who was erased is found in no byte below the state folder, and no later night brings them back."""

import gzip
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from jobs.features import daily_interactions
from jobs.ingest import land, landing, watch_history
from jobs.ingest.behavior_rows import EVENTS
from jobs.ingest.feeds import CAMPAIGNS, USERS, VIDEOS, WATCH_HISTORY
from jobs.platform import erasure, tracking
from jobs.platform.job_context import JobContext
from jobs.platform.lake import identity
from jobs.platform.lake.verify import verify
from jobs.platform.pseudonym import key, pseudonym
from jobs.platform.settings import settings
from jobs.privacy import erase
from jobs.recommend import REGISTERED_MODEL
from jobs.recommend.train import train
from schemas.contract import tables
from tests.jobs.ingest import nights
from tests.jobs.ingest.nights import MAY_1, NOON_MAY_1, ingest, line, write_feed, write_prompts
from tests.jobs.ingest.test_snapshots import USER, VIDEO

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

GONE = (987654321987, 123456789123456)
UNKNOWN = 555555555555
STAY = range(1, 60)
WRITTEN = sorted(set(tables()) - {"silver.videos"})


def write_night(home: Path) -> None:
    """What the app sends for a night: of each user who leaves two events, a duplicate, and two lines that break a rule."""
    lines = [line(user, video, NOON_MAY_1 + video) for user in (*STAY, *GONE) for video in (user % 7 + 1, user % 7 + 2)]
    for user in GONE:
        lines += [line(user, user % 7 + 1, NOON_MAY_1 + user % 7 + 1, play=1), f"{user},2,3", line(user, click=7)]
    nights.write_landing(home, lines)
    write_feed(home, USERS, [USER.format(user) for user in (f"{GONE[0]}.0", f" 00{GONE[1]}", *STAY)])
    write_feed(home, VIDEOS, [VIDEO.format(video, "0.0", "39") for video in range(1, 9)])
    write_feed(home, CAMPAIGNS, ["1,a,b,39,1,1.0,1.0"])
    write_prompts(home, *({"request": f"{n}", "user": user, "text": "a cat"} for n, user in enumerate((*STAY, *GONE))))
    (home / "landing" / USERS / f"dt={MAY_1}" / ".users.csv.swp").write_text("1,x")
    sequences = {name: [[3, 4] for _ in range(4)] for name in ("watch_seq", "like_seq", "long_watch_seq")}
    history = pa.table({"user_id": [1, 2, *GONE], **sequences})
    landing.write_folder(
        landing.folder(home / "landing", WATCH_HISTORY, MAY_1),
        lambda aside: pq.write_table(history, aside / "user_sequences.parquet"),
    )


def texts(path: Path) -> Iterator[bytes]:
    """All that a file says: its bytes, and what these are packed from."""
    content = path.read_bytes()
    yield content
    if content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)
    if content.startswith(b"PAR1") and content.endswith(b"PAR1"):
        yield str(pq.ParquetFile(path).read().to_pylist()).encode()


def named(home: Path) -> set[str]:
    """The folders below the state folder, two deep, with a file that says the id, as a field, or pseudonym of who leaves."""
    secret = key(settings())
    ids = "|".join(map(str, GONE)).encode()
    pseudonyms = "|".join(pseudonym(user, secret) for user in GONE).encode()
    said = re.compile(rb"(?<![0-9A-Za-z])(" + ids + rb")(?![0-9A-Za-z])|" + pseudonyms)
    files = [path for path in home.rglob("*") if path.is_file()]
    return {"/".join(p.relative_to(home).parts[:3]) for p in files if any(said.search(text) for text in texts(p))}


@pytest.fixture
def run_erase(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """Erases users, and gives what was printed."""

    def run(*leaving: object) -> list[str]:
        (home.parent / "leaving.txt").write_text("\n".join(map(str, leaving)))
        capsys.readouterr()
        erase.main(["--users", str(home.parent / "leaving.txt")])
        return capsys.readouterr().out.splitlines()

    return run


def test_erased_users_are_nowhere_and_stay_away(
    home: Path, spark: "SparkSession", monkeypatch: pytest.MonkeyPatch, run_erase: Callable[..., list[str]]
) -> None:
    monkeypatch.setenv("NIGHTREEL_SOURCE", "landing")
    write_night(home)
    land.main(["--date", str(MAY_1)])
    ingest(MAY_1)
    for job in (watch_history, daily_interactions):
        job.main(["--date", str(MAY_1)])
    bronze = home / "lake" / "bronze" / "behavior_log"
    attempt = next(bronze.glob("2022-*"))
    shutil.copytree(attempt, bronze / "2022-05-01-neverpublished")
    cut_short = bronze / "2022-05-02-killed" / "_temporary" / "part-0.parquet"
    cut_short.parent.mkdir(parents=True)
    cut_short.write_bytes(next(attempt.rglob("*.parquet")).read_bytes()[:-100])
    older, serving = (train(JobContext(MAY_1, settings()), name) for name in ("popularity", "item_knn"))
    (live,) = tracking.candidates(settings(), REGISTERED_MODEL, night=MAY_1, families=["item_knn"])
    tracking.set_verdict(settings(), REGISTERED_MODEL, night=MAY_1, promoted=live)
    holding = {"bronze/behavior_log", "silver/behavior_events", "silver/quarantine", "silver/users"}
    holding |= {"silver/video_prompts", "silver/watch_history", "gold/daily_interactions"}
    feeds = {f"landing/{feed}/dt={MAY_1}" for feed in ("behavior_logs", "users", "video_prompts", "watch_history")}
    assert named(home) == {f"lake/{table}" for table in holding} | feeds

    said = run_erase(*GONE, UNKNOWN)
    assert named(home) == set()
    assert not cut_short.exists()
    assert said[0].startswith("3 users, 3 of them new on the erasure list")
    assert said[1] == f"landing behavior_logs of {MAY_1}: 10 lines"
    assert "silver.behavior_events: 4 rows in 1 days; 1 files of old versions deleted" in said
    assert f"recommender {older}: weights deleted" in said
    (still,) = (text for text in said if "still serves" in text)
    assert still.startswith(f"recommender {serving}: ")
    assert still.endswith(f"run make nightly DATE={MAY_1} SOURCE=landing, then rerun this")
    assert "1 of the users had no row in any table" in said
    night = JobContext(MAY_1, settings())
    (of_prompts,) = night.lake.read("ops.reconciliation").where("source = 'silver.video_prompts'").collect()
    assert (of_prompts.lines_in, of_prompts.rows_out, of_prompts.erased) == (len(STAY) + 2, len(STAY), 2)
    (books,) = night.lake.read("ops.reconciliation").where("source = 'silver.behavior_events'").collect()
    assert (books.lines_in, books.rows_out, books.duplicates) == (128, 118, 0)
    assert (books.quarantined, books.erased) == (0, 10)
    assert not [damage for table in WRITTEN for damage in verify(settings(), table)]
    assert night.lake.read("silver.users").count() == len(STAY)
    numbered = {row.log_line for row in night.lake.read("bronze.behavior_log").collect()}
    assert numbered == set(range(2, 2 + 2 * len(STAY)))

    again = run_erase(*GONE)
    assert again[0].startswith("2 users, 0 of them new")
    assert [text for text in again[1:] if "still serves" not in text] == [
        "2 of the users had no row in any table",
        f"no file below {home} names them",
    ]

    shutil.rmtree(home / "landing")
    write_night(home)  # the source sends the night once more, with all who were in it
    land.main(["--date", str(MAY_1)])
    night = ingest(MAY_1)
    assert named(home) == set()
    (again_balanced,) = night.lake.read_day("ops.reconciliation").where("source = 'silver.behavior_events'").collect()
    assert again_balanced == books
    daily_interactions.main(["--date", str(MAY_1)])
    retrained = train(JobContext(MAY_1, settings()), "item_knn")
    assert retrained != serving
    (live,) = tracking.candidates(settings(), REGISTERED_MODEL, night=MAY_1, families=["item_knn"])
    tracking.set_verdict(settings(), REGISTERED_MODEL, night=MAY_1, promoted=live)
    assert f"recommender {serving}: weights deleted" in run_erase(UNKNOWN)
    assert tracking.serving(settings(), REGISTERED_MODEL, night=MAY_1).version == retrained


def a_log(home: Path, user: str) -> Path:
    log = home / "airflow" / "logs" / "task.log"
    log.parent.mkdir(parents=True)
    log.write_text("x" * 17_000_000 + f" raw={user},1 ")
    return log


def a_file_that_ingest_does_not_read(home: Path, user: str) -> Path:
    file = home / "landing" / USERS / f"dt={MAY_1}" / ".users.csv.swp"
    file.parent.mkdir(parents=True)
    file.write_text(f"a;b\n1;{GONE[1]}.0\n")
    return file


def a_table_moved_aside(home: Path, user: str) -> Path:
    file = home / "lake" / "silver" / "users.v1" / "2022-05-01-abc" / "part-0.parquet"
    file.parent.mkdir(parents=True)
    pq.write_table(pa.table({"n": [1, 2], "user_id": [None, user]}), file, compression="zstd")
    return file


@pytest.mark.parametrize("left", [a_log, a_file_that_ingest_does_not_read, a_table_moved_aside])
def test_a_file_that_was_not_cleaned_is_named(
    home: Path, run_erase: Callable[..., list[str]], left: Callable[[Path, str], Path]
) -> None:
    file = left(home, pseudonym(GONE[0], key(settings())))
    with pytest.raises(SystemExit) as stopped:
        run_erase(*GONE)
    assert stopped.value.code == 65
    file.unlink()
    assert run_erase(*GONE)[-1] == f"no file below {home} names them"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "contains no user id; give one per line (nobody was erased)"),
        (b"\n \n", "contains no user id"),
        (b"12\nme@home\n", "line 2: 'me@home' is not a user id; give one whole number per line (nobody was erased)"),
        (b"\xff\xfe\x00\x80", "line 1: "),
        ("１２".encode(), "line 1: '１２' is not a user id"),
        (b"9" * 20, "is not a user id"),
    ],
)
def test_a_file_that_is_no_list_of_ids_erases_nobody(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, said: str
) -> None:
    (tmp_path / "leaving.txt").write_bytes(content)
    with pytest.raises(SystemExit) as stopped:
        erase.main(["--users", str(tmp_path / "leaving.txt")])
    assert stopped.value.code == 65
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not erasure.path(settings()).exists()


def test_a_file_that_is_not_there_is_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        erase.main(["--users", "nobody.txt"])
    assert stopped.value.code == 64
    assert capsys.readouterr().err.startswith("error: nobody.txt cannot be read (No such file or directory)")


def test_killed_before_the_lake_knows_the_list_it_is_known_after_the_next_run(
    home: Path, run_erase: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, copied = home.parent / "who.txt", home.parent / "copied.txt"
    run_erase(UNKNOWN)
    copied.write_bytes(erasure.path(settings()).read_bytes())
    leaving.write_text("\n".join(map(str, GONE)))
    command = [sys.executable, "-m", "jobs.privacy.erase", "--users", str(leaving)]
    killed = subprocess.run(command, env={**os.environ, "NIGHTREEL_FAILPOINT": "kill:listed"}, check=False)
    assert killed.returncode == -signal.SIGKILL
    before = identity.read(settings())
    assert before is not None
    assert erasure.version(settings()) != before.erasure_list
    assert run_erase(*GONE)[0].startswith("2 users, 0 of them new")
    after = identity.read(settings())
    assert after is not None
    assert erasure.version(settings()) == after.erasure_list
    erasure.path(settings()).write_bytes(copied.read_bytes())
    with pytest.raises(SystemExit) as stopped:
        run_erase(*GONE)
    assert stopped.value.code == 64
    assert erasure.path(settings()).read_bytes() == copied.read_bytes()


def test_killed_while_it_writes_files_again_the_next_run_ends_it(
    home: Path, spark: "SparkSession", run_erase: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTREEL_SOURCE", "landing")
    write_night(home)
    land.main(["--date", str(MAY_1)])
    ingest(MAY_1)
    rows = {table: JobContext(MAY_1, settings()).lake.read(table).count() for table in ("silver.users", EVENTS)}
    leaving = home.parent / "who.txt"
    leaving.write_text("\n".join(map(str, GONE)))
    command = [sys.executable, "-m", "jobs.privacy.erase", "--users", str(leaving)]
    killed = subprocess.run(command, env={**os.environ, "NIGHTREEL_FAILPOINT": "kill:committed"}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not [damage for table in WRITTEN for damage in verify(settings(), table)]
    run_erase(*GONE)
    assert named(home) == set()
    assert not [damage for table in WRITTEN for damage in verify(settings(), table)]
    night = JobContext(MAY_1, settings())
    assert night.lake.read("silver.users").count() == rows["silver.users"] - len(GONE)
    assert night.lake.read(EVENTS).count() == rows[EVENTS] - 2 * len(GONE)


def test_after_a_rotation_the_list_is_not_passed_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    erasure.add(settings(), [pseudonym(GONE[0], key(settings()))], key(settings()))
    monkeypatch.setenv("NIGHTREEL_PSEUDONYM_KEY", "0a" * 32)
    nights.write_landing(home, [line(1)])
    monkeypatch.setenv("NIGHTREEL_SOURCE", "landing")
    for feed, rows in ((USERS, [USER.format(1)]), (VIDEOS, [VIDEO.format(1, "0.0", "39")])):
        write_feed(home, feed, rows)
    write_feed(home, CAMPAIGNS, ["1,a,b,39,1,1.0,1.0"])
    with pytest.raises(SystemExit) as stopped:
        land.main(["--date", str(MAY_1)])
    assert stopped.value.code == 64


@pytest.mark.parametrize("as_arrow", [True, False])
def test_a_job_that_still_has_their_rows_writes_the_others(home: Path, spark: "SparkSession", as_arrow: bool) -> None:
    pseudonyms = [pseudonym(user, key(settings())) for user in (*GONE, 1, 2)]
    erasure.add(settings(), pseudonyms[:2], key(settings()))
    night = JobContext(MAY_1, settings(), writes="gold.audience_segments")
    shown = {
        "date": MAY_1,
        "campaign_id": 5,
        "segment": "top_10",
        "video_id": 7,
        "expected_ctr": 0.5,
        "model_version": "m",
    }
    rows = pa.Table.from_pylist([shown | {"user_id": user} for user in pseudonyms])
    night.lake.write(rows if as_arrow else spark.createDataFrame(rows))
    table = DeltaTable(night.lake.uri("gold.audience_segments"))
    assert sorted(table.to_pyarrow_table()["user_id"].to_pylist()) == sorted(pseudonyms[2:])
    # The log outlives the rows, so it names nobody.
    log = "".join(
        commit.read_text() for commit in Path(night.lake.uri("gold.audience_segments"), "_delta_log").glob("*")
    )
    assert not [user for user in pseudonyms if user in log]
