"""The generated videos that the simulated app publishes: those of earlier nights, under the account of its studio.

How much viewers like one depends on its tag, as with any other video, and on how well it is made: a part of that is its
generator's, a part its subject's and the rest its own. All three follow from the seed of the app and their names, so the same
generator is as good in every night, and a test can tell whether the platform finds the better one.
"""

import datetime as dt
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy
import polars

from infra.storage import Location
from jobs.ingest import landing
from jobs.ingest.feeds import VIDEOS
from jobs.ingest.simulator.catalogue import FRESH_DAYS, HIDDEN, LIFE_DAYS, LISTED_DAYS, Catalogue
from jobs.ingest.simulator.seeding import generator
from jobs.ingest.simulator.vocabulary import TAGS
from jobs.video.prompts import SUBJECT_OF

FIRST_ID = 1 << 48
"""Ids of generated videos begin here; those of all others are smaller."""

STUDIO = 900_000_000
"""The account that publishes them."""

SHARE = 0.15
"""Popularity of all videos that a night generates, relative to that of all videos that users upload on a day."""

_GENERATOR, _SUBJECT, _OWN = 0.7, 0.5, 0.5
"""Standard deviations of the three parts of a video's quality."""


@dataclass(frozen=True)
class MadeVideo:
    """A video of `gold.generated_videos` that a night requested itself, not for a user."""

    name: str
    night: dt.date
    generator: str
    prompt: str
    tag: str
    width: int
    height: int
    duration_ms: int
    is_made: bool
    """False if it is refused or waits by now."""

    @property
    def video_id(self) -> int:
        """The id that the app gives it."""
        return FIRST_ID + int(self.name[:12], 16)


def published(root: Location, made: Sequence[MadeVideo], date: dt.date) -> list[MadeVideo]:
    """Return the videos that are in the catalogue at the end of a day, ordered by id.

    A day that has landed before keeps its videos, so that a rerun gives the same night, whatever has been generated or refused
    since. Otherwise they are all videos of the last LISTED_DAYS that have been made by now.

    Args:
        root: the landing.
        made: videos of nights before the day; each name once.
        date: the day.
    """
    before = _published_before(root, date)
    kept = [video for video in made if (video.is_made if before is None else video.name in before)]
    return sorted((v for v in kept if 0 < (date - v.night).days < LISTED_DAYS), key=lambda v: v.video_id)


def _published_before(root: Location, date: dt.date) -> set[str] | None:
    """Return the names in the landed snapshot of a day; None if none has landed."""
    try:
        packed = (landing.content(landing.folder(root, VIDEOS, date)) / f"{VIDEOS}.csv.gz").read_bytes()
    except FileNotFoundError:
        return None
    rows = polars.read_csv(io.BytesIO(gzip.decompress(packed)), infer_schema=False)
    return set(rows["generated_name"].drop_nulls()) if "generated_name" in rows.columns else set()


def generated_catalogue(videos: Sequence[MadeVideo], seed: int, date: dt.date, popularity: float) -> Catalogue:
    """Return published videos as part of the catalogue.

    Args:
        videos: see `published`.
        seed: seed of the app.
        date: the day.
        popularity: of all videos that users upload on a day.
    """
    age = numpy.array([(date - video.night).days for video in videos], int)
    of_night = Counter(video.night for video in videos)
    size = len(videos)
    own = [generator(seed, "generated video", *_numbers(video.name)) for video in videos]
    return Catalogue(
        video_id=numpy.array([video.video_id for video in videos], numpy.int64),
        author_id=numpy.full(size, STUDIO),
        age_days=age,
        tag=numpy.array([_tag(video) for video in videos], int),
        is_ad=numpy.zeros(size, bool),
        is_visible=age < LIFE_DAYS,
        duration_ms=numpy.array([video.duration_ms for video in videos], numpy.int64),
        weight=SHARE
        * popularity
        / numpy.array([of_night[video.night] for video in videos])
        * numpy.exp(-age / FRESH_DAYS),
        quality=numpy.array(
            [
                _GENERATOR * generator_quality(video.generator, seed)
                + _SUBJECT * _normal(seed, "subject of generated videos", SUBJECT_OF.get(video.prompt, ""))
                + _OWN * rng.standard_normal()
                for video, rng in zip(videos, own, strict=True)
            ]
        ),
        hidden=numpy.array([rng.standard_normal(HIDDEN) for rng in own]).reshape(size, HIDDEN) / HIDDEN**0.5,
        style=numpy.zeros((size, 6), int),
    )


def generator_quality(name: str, seed: int) -> float:
    """Return how much viewers of this app like the videos of a generator: standard normal over apps and generators."""
    return _normal(seed, "generator of videos", name)


def generated_rows(videos: Sequence[MadeVideo], date: dt.date) -> polars.DataFrame:
    """Return the rows of published videos in the snapshot, in the columns of `catalogue.video_rows`."""
    return polars.DataFrame(
        [
            {
                "video_id": video.video_id,
                "author_id": STUDIO,
                "video_type": "NORMAL",
                "upload_dt": str(video.night),
                "upload_type": "Generated",
                "visible_status": float((date - video.night).days >= LIFE_DAYS),
                "video_duration": float(video.duration_ms),
                "server_width": float(video.width),
                "server_height": float(video.height),
                "music_id": None,
                "music_type": None,
                "tag": ",".join(dict.fromkeys((*TAGS[_tag(video)], *([video.tag] if video.tag else [])))),
                "title": video.prompt,
                "generated_name": video.name,
            }
            for video in videos
        ]
    )


def _tag(video: MadeVideo) -> int:
    """Return the tag of the vocabulary that a video gets: one that has the requested tag as its name or category, or any."""
    fitting = [place for place, names in enumerate(TAGS) if video.tag in names] or range(len(TAGS))
    return fitting[int(video.name[12:24], 16) % len(fitting)]


def _normal(seed: int, purpose: str, name: str) -> float:
    return float(generator(seed, purpose, zlib.crc32(name.encode())).standard_normal())


def _numbers(name: str) -> tuple[int, int]:
    return int(name[:16], 16), int(name[16:], 16)
