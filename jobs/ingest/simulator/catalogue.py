"""The videos of the simulated app as of one day: new uploads every day, each shown for some weeks and then taken down.

A day's uploads and their ids depend only on the seed and the day, so a video is the same on every day on which it exists.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy
import polars

from jobs.ingest.simulator.seeding import generator
from jobs.ingest.simulator.vocabulary import ADVERTISERS, CATEGORIES, MOODS, PLACES, SUBJECTS, TAGS, TEMPLATES

LIFE_DAYS = 35
"""Number of days for which a video is shown, including the day of upload."""

LISTED_DAYS = 42
"""Number of days for which a video is in the snapshot; on the last of them it is no longer visible."""

FRESH_DAYS = 20.0
"""Number of days in which the popularity of a video falls to 1/e."""

HIDDEN = 4
"""Number of latent taste dimensions that are visible neither in tags nor in texts, only in the behaviour of other users."""

_AUTHORS_A_VIDEO = 0.25
_AD_SHARE = 0.03
_TAKEN_DOWN = 0.01
_ZIPF = 1.0  # popularity of the r-th most popular of a day's uploads: r ** -1
_UNKNOWN_DURATION = 0.017
_NORMAL_UPLOADS = ("LongImport", "Web", "ShortImport", "Kmovie", "LongCamera", "PictureSet")
_TAG_CATEGORY = numpy.array([CATEGORIES.index(category) for category, _ in TAGS])


@dataclass(frozen=True)
class Catalogue:
    """Videos as arrays of one length n, ordered by id."""

    video_id: numpy.ndarray
    author_id: numpy.ndarray
    age_days: numpy.ndarray
    tag: numpy.ndarray
    """Index into vocabulary.TAGS."""
    is_ad: numpy.ndarray
    is_visible: numpy.ndarray
    duration_ms: numpy.ndarray
    """0 if unknown."""
    weight: numpy.ndarray
    """Popularity, independent of the user: Zipf's law within a day's uploads, decaying every day."""
    quality: numpy.ndarray
    hidden: numpy.ndarray
    """(n, HIDDEN): position in the latent taste dimensions."""
    style: numpy.ndarray
    """(n, 6) random integers that determine the words, size and source of a video."""

    @cached_property
    def shown(self) -> "Catalogue":
        """The videos that may be shown to users."""
        return Catalogue(*(getattr(self, field.name)[self.is_visible] for field in fields(self)))


def catalogue(seed: int, date: dt.date, videos: int) -> Catalogue:
    """Return the catalogue at the end of a day.

    Args:
        seed: the seed of the simulated app.
        date: the day; its uploads are included.
        videos: approximate number of videos that are shown.
    """
    uploads = max(1, round(videos / LIFE_DAYS))
    return joined([_uploaded(seed, date.toordinal() - age, age, uploads) for age in reversed(range(LISTED_DAYS))])


def joined(parts: Sequence[Catalogue]) -> Catalogue:
    """Return one catalogue of several, whose ids follow one another."""
    return Catalogue(*(numpy.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Catalogue)))


def _uploaded(seed: int, day: int, age: int, uploads: int) -> Catalogue:
    rng = generator(seed, "uploads", day)
    authors = max(len(CATEGORIES), round(uploads * LIFE_DAYS * _AUTHORS_A_VIDEO))
    author = rng.integers(authors, size=uploads)
    category = author % len(CATEGORIES)  # an author stays within one category
    tag = numpy.flatnonzero(numpy.diff(_TAG_CATEGORY, prepend=-1))[category] + rng.integers(4, size=uploads)
    advertised = numpy.isin(category, [CATEGORIES.index(name) for name in ADVERTISERS])
    duration = numpy.clip(rng.lognormal(11.26, 1.0, uploads), 5_000, 1_200_000).round()
    unknown = rng.random(uploads) < _UNKNOWN_DURATION
    rank = rng.permutation(uploads) + 1
    gone_at = numpy.where(rng.random(uploads) < _TAKEN_DOWN, rng.integers(1, LIFE_DAYS, uploads), LIFE_DAYS)
    return Catalogue(
        video_id=day * uploads + numpy.arange(uploads),
        author_id=author,
        age_days=numpy.full(uploads, age),
        tag=tag,
        is_ad=advertised & (rng.random(uploads) < _AD_SHARE * len(CATEGORIES) / len(ADVERTISERS)),
        is_visible=age < gone_at,
        duration_ms=numpy.where(unknown, 0, duration).astype(numpy.int64),
        weight=rank**-_ZIPF * numpy.exp(-age / FRESH_DAYS),
        quality=rng.standard_normal(uploads),
        hidden=rng.standard_normal((uploads, HIDDEN)) / HIDDEN**0.5,
        style=rng.integers(1 << 30, size=(uploads, 6)),
    )


def video_rows(videos: Catalogue, date: dt.date) -> polars.DataFrame:
    """Return the snapshot of a catalogue in the columns of the landing: KuaiRand's twelve, a title, and the generated video."""
    sizes = numpy.array([[720, 1280], [720, 1280], [720, 960], [1280, 720], [1080, 1920]])[videos.style[:, 0] % 5]
    return polars.DataFrame(
        {
            "video_id": videos.video_id,
            "author_id": videos.author_id,
            "video_type": numpy.where(videos.is_ad, "AD", "NORMAL"),
            "upload_dt": [str(date - dt.timedelta(days=int(age))) for age in videos.age_days],
            "upload_type": numpy.array(_NORMAL_UPLOADS)[videos.style[:, 1] % len(_NORMAL_UPLOADS)],
            "visible_status": numpy.where(videos.is_visible, 0.0, 1.0),
            "video_duration": [float(duration) if duration else None for duration in videos.duration_ms],
            "server_width": sizes[:, 0].astype(float),
            "server_height": sizes[:, 1].astype(float),
            "music_id": 9_000_000_000 + videos.style[:, 2] % 100_000,
            "music_type": numpy.where(videos.style[:, 2] % 10 == 0, 4.0, 9.0),
            "tag": [",".join(TAGS[tag]) for tag in videos.tag],
            "title": [_title(tag, style) for tag, style in zip(videos.tag, videos.style.tolist(), strict=True)],
            "generated_name": polars.Series([None] * len(videos.video_id), dtype=polars.String),
        }
    )


def campaign_rows(videos: Catalogue) -> polars.DataFrame:
    """Return the running campaigns: one per advertiser with a visible advertising video, showing the oldest of these videos."""
    ads = videos.shown
    rows = []
    for number, (category, (advertiser, name)) in enumerate(ADVERTISERS.items(), 1):
        own = ads.video_id[ads.is_ad & (_TAG_CATEGORY[ads.tag] == CATEGORIES.index(category))]
        if len(own):
            rows.append(
                (
                    number,
                    f"{advertiser}·{name}",
                    advertiser,
                    category,
                    int(own[0]),
                    0.5 + 0.25 * number,
                    1_000.0 * number,
                )
            )
    return polars.DataFrame(
        rows, ["campaign_id", "name", "advertiser", "tag", "video_id", "bid", "budget"], orient="row"
    )


def _title(tag: int, style: list[int]) -> str:
    category, name = TAGS[tag]
    nouns = SUBJECTS[category][name].split()
    phrase = TEMPLATES[style[3] % len(TEMPLATES)]
    words = {"noun": nouns[style[4] % len(nouns)], "tag": name}
    return phrase.format(**words, place=PLACES[style[5] % len(PLACES)], mood=MOODS[style[5] % len(MOODS)])
