"""Generated videos in the simulated app: published the day after, for good, and liked for something real."""

import datetime as dt
import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy
import polars
import pytest

from jobs.ingest import landing
from jobs.ingest.feeds import BEHAVIOR_LOGS, NIGHTLY, VIDEOS
from jobs.ingest.simulator.catalogue import LIFE_DAYS, LISTED_DAYS
from jobs.ingest.simulator.generated import STUDIO, MadeVideo, generated_catalogue, generator_quality, published
from jobs.ingest.simulator.night import SEED, Scale, land
from jobs.video.prompts import PROMPTS, TAG_SUBJECTS

NIGHT = dt.date(2022, 5, 1)
NEXT = NIGHT + dt.timedelta(days=1)
ZONE = ZoneInfo("Asia/Shanghai")
SCALE = Scale(20_000)


def made(number: int, night: dt.date = NIGHT, generator: str = "vae") -> MadeVideo:
    tag = list(TAG_SUBJECTS)[number % len(TAG_SUBJECTS)]
    prompt = PROMPTS[TAG_SUBJECTS[tag][0]][0][0]
    name = hashlib.sha256(f"{number}/{night}/{generator}".encode()).hexdigest()[:32]
    return MadeVideo(name, night, generator, prompt, tag, 256, 256, 2_000, is_made=True)


MADE = [made(number) for number in range(18)]


def landed(root: Path, videos: Sequence[MadeVideo], date: dt.date = NEXT) -> dict[str, bytes]:
    land(root, date, ZONE, SCALE, made=videos)
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob(f"dt={date}/*.gz"))}


def snapshot(root: Path) -> polars.DataFrame:
    return polars.read_csv(landing.folder(root, VIDEOS, NEXT) / f"{VIDEOS}.csv.gz", infer_schema_length=None)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("landing")
    landed(found, MADE)
    return found


def test_they_are_in_the_catalogue_and_are_watched(root: Path) -> None:
    videos = snapshot(root)
    own = videos.filter(polars.col("generated_name").is_not_null())
    assert dict(own.select("generated_name", "video_id").iter_rows()) == {v.name: v.video_id for v in MADE}
    assert set(own["author_id"]) == {STUDIO}
    assert set(own["upload_type"]) == {"Generated"}
    for row in own.iter_rows(named=True):
        (video,) = (video for video in MADE if video.name == row["generated_name"])
        assert video.tag in row["tag"].split(",")
        assert (row["title"], row["upload_dt"]) == (video.prompt, str(NIGHT))
    files = landing.folder(root, BEHAVIOR_LOGS, NEXT).glob("*.gz")
    place = NIGHTLY[BEHAVIOR_LOGS].required.index("video_id")
    lines = [line.split(b",") for path in files for line in gzip.decompress(path.read_bytes()).split(b"\n")[1:-1]]
    shown = [line[place] for line in lines if len(line) > place]
    ids = {str(video.video_id).encode() for video in MADE}
    assert 0.001 < sum(video in ids for video in shown) / len(shown) < 0.1


def test_a_night_that_landed_before_stays_as_it_was(root: Path, tmp_path: Path) -> None:
    first = landed(tmp_path, MADE[:9])
    assert landed(tmp_path, MADE) == first, "what was made later is published later"
    assert landed(tmp_path, [replace(video, is_made=False) for video in MADE]) == first, "a refusal too"
    assert landed(tmp_path / "other", MADE) != first
    assert landed(tmp_path / "other", MADE) == {
        name: (root / name).read_bytes() for name in landed(tmp_path / "other", MADE)
    }


def test_a_night_without_them_is_as_before(tmp_path: Path) -> None:
    refused = [replace(video, is_made=False) for video in MADE]
    assert landed(tmp_path / "none", []) == landed(tmp_path / "refused", refused)


def test_they_come_the_day_after_and_go_like_others(tmp_path: Path) -> None:
    def names(days: int) -> list[str]:
        return [video.name for video in published(tmp_path, MADE, NIGHT + dt.timedelta(days=days))]

    assert names(0) == names(LISTED_DAYS) == []
    assert sorted(names(1)) == sorted(names(LISTED_DAYS - 1)) == sorted(video.name for video in MADE)
    last = NIGHT + dt.timedelta(days=LIFE_DAYS)
    assert not generated_catalogue(published(tmp_path, MADE, last), SEED, last, 1.0).is_visible.any()


def test_the_generator_is_what_viewers_like(tmp_path: Path) -> None:
    def quality(generator: str) -> float:
        videos = [made(number, generator=generator) for number in range(400)]
        return float(generated_catalogue(videos, SEED, NEXT, 1.0).quality.mean())

    better, worse = sorted(("vae", "flow"), key=lambda name: -generator_quality(name, SEED))
    expected = 0.7 * (generator_quality(better, SEED) - generator_quality(worse, SEED))
    assert quality(better) - quality(worse) == pytest.approx(expected, abs=0.15)
    again = generated_catalogue(MADE, SEED, NEXT, 1.0)
    assert numpy.array_equal(again.quality, generated_catalogue(MADE, SEED, NEXT, 1.0).quality)
