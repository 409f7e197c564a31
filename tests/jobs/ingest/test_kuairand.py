import csv
import datetime as dt
import gzip
import os
import shutil
from pathlib import Path

import pytest

from jobs.ingest import kuairand, landed_files, landing
from jobs.ingest.feeds import BEHAVIOR_LOGS, CAMPAIGNS, WATCH_HISTORY
from jobs.platform.errors import BadInput, MissingInput

NIGHT = dt.date(2022, 4, 26)


@pytest.fixture
def source(shared_data: Path, tmp_path: Path) -> Path:
    """A copy of the dataset with three nights that a test may damage."""
    original, copy = shared_data / "kuairand", tmp_path / "kuairand"
    for path in [*original.glob("tables/*"), *original.glob("history/*"), *original.glob("logs/*2022-04-2[5-7]*")]:
        target = copy / path.relative_to(original)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return copy


def test_a_night_is_laid_as_it_is(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "landing"
    kuairand.land(source, root, NIGHT)
    rows = {feed: sum(files.values()) for feed, files in landed_files.check(root, NIGHT).items()}
    assert rows == {"behavior_logs": 14_530, "users": 27_285, "videos": 7_583, "campaigns": kuairand.CAMPAIGNS}
    laid = landing.folder(root, BEHAVIOR_LOGS, NIGHT) / f"log_standard_{NIGHT}.csv.gz"
    assert laid.read_bytes() == (source / "logs" / laid.name).read_bytes()
    assert landing.nights(root, WATCH_HISTORY) == [kuairand.HISTORY_DATE]
    assert landing.nights(root, landing.VIDEO_STATISTICS) == [NIGHT]


def test_campaigns_show_advertising_videos_of_their_tag(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "landing"
    kuairand.land(source, root, NIGHT)
    with gzip.open(source / "tables" / "video_features_basic_pure.csv.gz", "rt", newline="") as file:
        videos = {row["video_id"]: row for row in csv.DictReader(file)}
    with gzip.open(landing.folder(root, CAMPAIGNS, NIGHT) / "campaigns.csv.gz", "rt", newline="") as file:
        campaigns = list(csv.DictReader(file))
    assert len({row["tag"] for row in campaigns}) == kuairand.CAMPAIGNS
    for row in campaigns:
        assert videos[row["video_id"]]["video_type"] == "AD"
        assert row["tag"] in videos[row["video_id"]]["tag"].split(",")


def test_a_dataset_without_history_has_none(source: Path, tmp_path: Path) -> None:
    shutil.rmtree(source / "history")
    kuairand.land(source, tmp_path / "landing", NIGHT)
    assert landing.nights(tmp_path / "landing", WATCH_HISTORY) == []


def test_a_missing_night_names_those_there_are(source: Path, tmp_path: Path) -> None:
    with pytest.raises(
        MissingInput, match="no log of 2022-05-09; the nights there are: 2022-04-25, 2022-04-26, 2022-04-27"
    ):
        kuairand.land(source, tmp_path / "landing", dt.date(2022, 5, 9))


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(MissingInput, match="check SOURCE"):
            kuairand.land(folder, tmp_path / "landing", NIGHT)


@pytest.mark.parametrize(
    "name", [f"logs/log_standard_{NIGHT}.csv.gz", "tables/user_features_pure.csv.gz", "history/user_sequences.parquet"]
)
def test_a_file_cut_short_lays_nothing(source: Path, tmp_path: Path, name: str) -> None:
    os.truncate(source / name, 10_000)
    with pytest.raises(BadInput, match=r"cut short|damaged") as refused:
        kuairand.land(source, tmp_path / "landing", NIGHT)
    assert str(source / name) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "landing").exists()


def test_a_missing_table_lays_nothing(source: Path, tmp_path: Path) -> None:
    (source / "tables" / "user_features_pure.csv.gz").unlink()
    with pytest.raises(MissingInput, match=r"user_features_pure\.csv\.gz does not exist"):
        kuairand.land(source, tmp_path / "landing", NIGHT)
    assert not (tmp_path / "landing").exists()
