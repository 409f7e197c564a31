"""Folders in the shipped layouts, from their files to a landing."""

import csv
import datetime as dt
import gzip
import os
import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jobs.ingest import ad_campaigns, landed_files, landing, manifest, source
from jobs.ingest.feeds import BEHAVIOR_LOGS, CAMPAIGNS, NIGHTLY, USERS, VIDEOS, WATCH_HISTORY
from jobs.platform.errors import BadInput, MissingInput

NIGHT = dt.date(2022, 4, 26)
BEIJING = ZoneInfo("Asia/Shanghai")
LOG = ",".join(NIGHTLY[BEHAVIOR_LOGS].required)


def land(folder: Path, root: Path, date: dt.date, mapping: str = "") -> dict[str, int]:
    """Lay a night; the rows of each feed that a night must have."""
    source.land_night(folder, root, date, mapping, BEIJING)
    return {feed: sum(file.rows for file in files.values()) for feed, files in manifest.check(root, date).items()}


@pytest.fixture
def kuairand(shared_data: Path, tmp_path: Path) -> Path:
    """A copy of the dataset with three nights that a test may damage."""
    original, copy = shared_data / "kuairand", tmp_path / "kuairand"
    for path in [*original.glob("tables/*"), *original.glob("history/*"), *original.glob("logs/*2022-04-2[5-7]*")]:
        target = copy / path.relative_to(original)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return copy


def test_a_night_is_laid_as_it_is(kuairand: Path, tmp_path: Path) -> None:
    root = tmp_path / "landing"
    assert land(kuairand, root, NIGHT) == {
        "behavior_logs": 14_530, "users": 27_285, "videos": 7_583, "campaigns": ad_campaigns.MOST,
    }  # fmt: skip
    landed = landing.folder(root, BEHAVIOR_LOGS, NIGHT) / f"log_standard_{NIGHT}.csv.gz"
    assert landed.read_bytes() == (kuairand / "logs" / landed.name).read_bytes()
    assert landing.nights(root, WATCH_HISTORY) == [dt.date(2022, 4, 24)]
    assert not list(root.rglob(landed_files.MAPPING))  # the files are the feeds' own CSV


def test_campaigns_show_advertising_videos_of_their_tag(kuairand: Path, tmp_path: Path) -> None:
    root = tmp_path / "landing"
    land(kuairand, root, NIGHT)
    with gzip.open(kuairand / "tables" / "video_features_basic_pure.csv.gz", "rt", newline="") as file:
        videos = {row["video_id"]: row for row in csv.DictReader(file)}
    with gzip.open(landing.folder(root, CAMPAIGNS, NIGHT) / "campaigns.csv.gz", "rt", newline="") as file:
        campaigns = list(csv.DictReader(file))
    assert len({row["tag"] for row in campaigns}) == ad_campaigns.MOST
    for row in campaigns:
        assert videos[row["video_id"]]["video_type"] == "AD"
        assert row["tag"] in videos[row["video_id"]]["tag"].split(",")


def test_a_dataset_without_history_has_none(kuairand: Path, tmp_path: Path) -> None:
    shutil.rmtree(kuairand / "history")
    land(kuairand, tmp_path / "landing", NIGHT)
    assert landing.nights(tmp_path / "landing", WATCH_HISTORY) == []


def test_a_missing_night_names_those_there_are(kuairand: Path, tmp_path: Path) -> None:
    with pytest.raises(
        MissingInput, match=r"no behavior_logs of 2022-05-09.*available nights: 2022-04-25, 2022-04-26, 2022-04-27"
    ):
        land(kuairand, tmp_path / "landing", dt.date(2022, 5, 9))


def test_a_folder_in_no_known_layout_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(MissingInput, match="check SOURCE, or map its files"):
            land(folder, tmp_path / "landing", NIGHT)


@pytest.mark.parametrize(
    "name",
    ["logs/log_standard_2022-04-26.csv.gz", "tables/user_features_pure.csv.gz", "history/user_sequences.parquet"],
)
def test_a_file_cut_short_lands_nothing(kuairand: Path, tmp_path: Path, name: str) -> None:
    os.truncate(kuairand / name, 10_000)
    with pytest.raises(BadInput, match=r"truncated|damaged") as refused:
        land(kuairand, tmp_path / "landing", NIGHT)
    assert str(kuairand / name) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "landing").exists()


def test_a_missing_table_lays_nothing(kuairand: Path, tmp_path: Path) -> None:
    (kuairand / "tables" / "user_features_pure.csv.gz").unlink()
    with pytest.raises(MissingInput, match=r"no users of 2022-04-26: no file tables/user_features_\*\.csv\.gz"):
        land(kuairand, tmp_path / "landing", NIGHT)
    assert not (tmp_path / "landing").exists()


def event(user: int, video: int, day: str, time_ms: int) -> str:
    return f"{user},{video},{day},1200,{time_ms},1,0,0,0,0,0,1,3000,9000,0,0,0,0,1"


USER = '{},full_active,0,1,1,514,500+,150,"[100,1k)",34,"[30,60)",799,730+,1,1,29,949,1.0,0,0,14,135,6,3,0,0.0,1.0,,0.0,0.0,0.0'
VIDEO = "{},7,{},2022-04-10,LongImport,0.0,87433.0,720.0,1280.0,9155697141,9.0,{}"


@pytest.mark.parametrize("size", ["pure", "1k"])
def test_kuairand_as_downloaded_is_cut_into_nights(tmp_path: Path, size: str) -> None:
    data = tmp_path / f"KuaiRand-{size}" / "data"
    data.mkdir(parents=True)
    logs = {
        "4_08_to_4_21": [event(1, 1, "20220421", 1_650_500_000_000)],
        "4_22_to_5_08": [
            event(1, 1, "20220425", 1_650_859_200_000),
            event(2, 1, "20220426", 1_650_945_600_000),
            "2,1,no row",
            event(3, 2, "20220426", 1_650_945_600_000),
            event(3, 2, "20220427", 1_651_032_000_000),
        ],
    }
    for period, lines in logs.items():
        (data / f"log_standard_{period}_{size}.csv").write_text("\n".join([LOG, *lines, ""]))
    (data / f"log_random_4_22_to_5_08_{size}.csv").write_text(f"{LOG}\n{event(9, 9, '20220426', 1_650_945_600_000)}\n")
    for name, feed, rows in (
        ("user_features", USERS, [USER.format(n) for n in (1, 2, 3)]),
        ("video_features_basic", VIDEOS, [VIDEO.format(1, "NORMAL", 39), VIDEO.format(2, "AD", '"8,39"')]),
    ):
        (data / f"{name}_{size}.csv").write_text("\n".join([",".join(NIGHTLY[feed].required), *rows, ""]))
    for folder in (data, data.parent):
        root = tmp_path / folder.name / "landing"
        # The line that is no row, and so of no night, stays with the rows around it.
        assert land(folder, root, NIGHT) == {"behavior_logs": 3, "users": 3, "videos": 2, "campaigns": 1}
    with pytest.raises(MissingInput, match="available nights: 2022-04-21, 2022-04-25, 2022-04-26, 2022-04-27"):
        land(data, tmp_path / "landing", dt.date(2022, 5, 9))
