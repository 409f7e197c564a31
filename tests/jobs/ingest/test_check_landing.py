"""What a night would make of files is said before any night, in each of the shipped layouts, and nothing is written."""

import datetime as dt
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.ingest import check_landing
from jobs.ingest.feeds import NIGHTLY, VIDEOS
from tests.jobs.ingest.nights import MAY_1, NOON_MAY_1, line, write_feed, write_landing, write_prompts
from tests.jobs.ingest.test_source import LOG, USER, VIDEO, event

NOON = NOON_MAY_1 // 1000


def run(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> tuple[int | str | None, list[str], str]:
    """Exit code, printed lines, and the last line on stderr."""
    code: int | str | None = 0
    try:
        check_landing.main(["--dir", str(folder), *arguments])
    except SystemExit as ended:
        code = ended.code
    printed = capsys.readouterr()
    return code, printed.out.splitlines(), (printed.err.splitlines() or [""])[-1]


def test_a_landing_is_told_row_by_row_and_left_alone(
    home: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line(n) for n in range(60)]
    write_landing(home, [*lines, line(1), line(70, time_ms=NOON), line(71, click="yes")])
    write_prompts(home, {"request": "a", "user": 1, "text": "a cat"}, {"request": "b"})
    before = sorted((path, path.stat().st_mtime_ns) for path in home.rglob("*"))
    code, out, _ = run(capsys, home / "landing")
    assert sorted((path, path.stat().st_mtime_ns) for path in home.rglob("*")) == before
    assert code == 0
    assert out[0] == f"night {MAY_1} of {home / 'landing'}"
    assert out[1] == "behavior_logs: 63 rows in 1 files: 60 ingested, 1 duplicates, 2 quarantined"
    assert "          1  is_click is no int: 'yes'" in out
    assert f"          1  time_in_seconds: time_ms should be in milliseconds: {NOON}" in out
    assert any(text.startswith("             e.g. line 63 of log.csv.gz: ") for text in out)
    assert "    columns without a value in any row: title, generated_name" in out
    assert "video_prompts: 2 rows in 1 files: 1 ingested, 0 duplicates, 1 quarantined" in out
    assert out[-1] == "the night would be ingested"


def test_what_would_be_refused_is_said_feed_by_feed(
    home: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    write_landing(home, [line(1), "1,2", "3,4"])
    write_feed(
        home, VIDEOS, [VIDEO.format(1, "NORMAL", 39)], header=",".join(NIGHTLY[VIDEOS].required).replace("tag", "tags")
    )
    code, out, error = run(capsys, home / "landing", "--date", str(MAY_1))
    assert code == 65
    assert "    the night would be refused: 2 of 3 lines of behavior_logs are in quarantine, over 5 %" in out
    (videos,) = (text for text in out if text.startswith("videos: refused: "))
    assert "no column tag (it has 'tags')" in videos
    assert error == f"error: the night of {MAY_1} would be refused, for the reasons above"


def kuairand(folder: Path, size: str) -> None:
    data = folder / "data"
    data.mkdir()
    events = [
        event(1, 1, "20220501", NOON_MAY_1),
        event(2, 2, "20220501", NOON_MAY_1),
        event(1, 1, "20220430", NOON_MAY_1),
    ]
    (data / f"log_standard_4_22_to_5_08_{size}.csv").write_text("\n".join([LOG, *events, ""]))
    for name, feed, rows in (
        ("user_features", "users", [USER.format(n) for n in (1, 2)]),
        ("video_features_basic", "videos", [VIDEO.format(1, "NORMAL", 39), VIDEO.format(2, "AD", 8)]),
    ):
        (data / f"{name}_{size}.csv").write_text("\n".join([",".join(NIGHTLY[feed].required), *rows, ""]))


def tiktok(folder: Path) -> None:
    yesterday = NOON - 86_400
    rows = [
        (7, 3, 11, 5, 2, 0, 1, 0, 9, 4, NOON, 12),
        (8, 3, 12, 5, 2, 1, 0, 1, -1, 4, NOON, 30),
        (7, 3, 12, 5, 2, 0, 0, 0, -1, 4, yesterday, 30),
    ]
    (folder / "final_track2_train.txt").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))


def microlens(folder: Path) -> None:
    pairs = ["user,item,timestamp", f"1,10,{NOON_MAY_1}", f"2,11,{NOON_MAY_1}", f"2,10,{NOON_MAY_1 + 1}"]
    (folder / "MicroLens-50k_pairs.csv").write_text("\n".join([*pairs, ""]))
    (folder / "MicroLens-50k_titles.csv").write_text('10,"One, two, three"\n11,深夜的面\n')


LAYOUTS = {
    "kuairand_pure": (lambda folder: kuairand(folder, "pure"), (2, 2, 2, 1)),
    "kuairand_1k": (lambda folder: kuairand(folder, "1k"), (2, 2, 2, 1)),
    "tiktok_2019": (tiktok, (2, 2, 2, 0)),
    "microlens": (microlens, (3, 2, 2, 0)),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_shipped_layouts_are_taken_in(
    home: Path, spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    write, counts = LAYOUTS[name]
    folder = tmp_path / "download"
    folder.mkdir()
    write(folder)
    mapping = () if name.startswith("kuairand") else ("--mapping", name)
    code, out, error = run(capsys, folder, *mapping)
    assert (code, error) == (0, ""), out
    assert out[0] == f"night {MAY_1} of {folder}"
    taken = [int(text.split(" files: ")[1].split(" ")[0]) for text in out if " files: " in text]
    assert tuple(taken) == counts
    assert not any("quarantined" in text and not text.endswith(" 0 quarantined") for text in out)


def test_a_night_that_is_not_there_names_those_there_are(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "download"
    folder.mkdir()
    tiktok(folder)
    code, _, error = run(capsys, folder, "--mapping", "tiktok_2019", "--date", str(MAY_1 + dt.timedelta(days=7)))
    assert code == 66
    assert error.endswith("available nights: 2022-04-30, 2022-05-01")
