"""Write one simulated night to the landing: the log with one file per block of users, the snapshots, and video prompts."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy
import polars

from infra.storage import Location
from jobs.ingest import landing
from jobs.ingest.feeds import BEHAVIOR_LOGS, CAMPAIGNS, NIGHTLY, USERS, VIDEO_PROMPTS, VIDEOS
from jobs.ingest.gzip_file import write_gzip
from jobs.ingest.simulator.catalogue import Catalogue, campaign_rows, catalogue, joined, video_rows
from jobs.ingest.simulator.exposure import expose
from jobs.ingest.simulator.generated import MadeVideo, generated_catalogue, generated_rows, published
from jobs.ingest.simulator.log_lines import log_rows, log_text, midnight_of
from jobs.ingest.simulator.population import Users, blocks, user_rows
from jobs.ingest.simulator.prompts import prompt_lines
from jobs.ingest.simulator.response import respond
from jobs.ingest.simulator.seeding import generator
from jobs.ingest.simulator.sessions import sessions

EVENTS = 100_000
"""Default number of views per night."""

SEED = 20220425

SIMULATED = "simulated-*.csv.gz"
"""Names of the log's files, with a number in place of the star. They identify a landing that the simulator wrote."""

_PROMPTS = "simulated.jsonl.gz"

VIEWS_A_USER = 20.0
"""Mean views per user and day, including inactive users."""

SlatesOf = Callable[[numpy.ndarray], numpy.ndarray | None]
"""Returns for user ids (n,) the recommended video ids (n, ranks), -1 for none; None if there are no recommendations."""


@dataclass(frozen=True)
class Scale:
    """Size of the simulated app, derived from the number of views per night."""

    events: int = EVENTS

    @property
    def users(self) -> int:
        """Number of users."""
        return max(50, round(self.events / VIEWS_A_USER))

    @property
    def videos(self) -> int:
        """Number of visible videos: 2,000 for 100,000 views, proportional to the square root of the views."""
        return max(200, round(2_000 * (self.events / 100_000) ** 0.5))


def land(
    root: Location,
    date: dt.date,
    zone: ZoneInfo,
    scale: Scale,
    slates: SlatesOf = lambda users: None,
    made: Sequence[MadeVideo] = (),
    seed: int = SEED,
) -> None:
    """Write all feeds of one simulated night. Video prompts that somebody else has landed stay.

    Args:
        root: the landing.
        date: the night.
        zone: the lake's time zone.
        scale: size of the app.
        slates: the recommendations for this day.
        made: the generated videos of nights before.
        seed: seed of the app; another seed gives another app.
    """
    videos = catalogue(seed, date, scale.videos)
    publications = published(root, made, date)
    popularity = float(videos.weight[videos.age_days == 0].sum())
    everything = joined([videos, generated_catalogue(publications, seed, date, popularity)])
    snapshots = {
        VIDEOS: lambda: [
            _csv(video_rows(videos, date)),
            *([_csv(generated_rows(publications, date), header=False)] if publications else []),
        ],
        CAMPAIGNS: lambda: [_csv(campaign_rows(videos))],
        USERS: lambda: _users(seed, scale),
    }
    for feed, contents in snapshots.items():
        target = landing.folder(root, feed, date)
        landing.write_folder(target, lambda aside: write_gzip(aside / f"{feed}.csv.gz", contents()))  # noqa: B023
    prompts = landing.folder(root, VIDEO_PROMPTS, date)
    if not prompts.exists() or (landing.content(prompts) / _PROMPTS).exists():
        lines = prompt_lines(seed, date, scale.users)
        landing.write_folder(prompts, lambda aside: write_gzip(aside / _PROMPTS, lines))
    landing.write_folder(
        landing.folder(root, BEHAVIOR_LOGS, date),
        lambda aside: _logs(aside, seed, date, zone, scale, everything.shown, slates),
    )


def _users(seed: int, scale: Scale) -> Iterator[bytes]:
    for number, users in enumerate(blocks(seed, scale.users)):
        yield _csv(user_rows(users, seed), header=number == 0)


def _logs(
    aside: Path, seed: int, date: dt.date, zone: ZoneInfo, scale: Scale, shown: Catalogue, slates: SlatesOf
) -> None:
    header = ",".join(NIGHTLY[BEHAVIOR_LOGS].required).encode() + b"\n"
    for number, users in enumerate(blocks(seed, scale.users)):
        rng = generator(seed, "night", date.toordinal(), number)
        text = _block_log(users, date, zone, scale, shown, slates, rng)
        write_gzip(aside / SIMULATED.replace("*", f"{number:05}"), [header, text])


def _block_log(
    users: Users,
    date: dt.date,
    zone: ZoneInfo,
    scale: Scale,
    shown: Catalogue,
    slates: SlatesOf,
    rng: numpy.random.Generator,
) -> bytes:
    visits = sessions(users, date, scale.events / scale.users, rng)
    views = expose(users, visits, shown, slates(users.user_id), date, rng)
    responses = respond(users, visits, views, shown, rng)
    midnight, next_midnight = midnight_of(date, zone), midnight_of(date + dt.timedelta(days=1), zone)
    return log_text(log_rows(users, visits, views, responses, shown, midnight, next_midnight, rng), rng)


def _csv(rows: polars.DataFrame, header: bool = True) -> bytes:
    return rows.write_csv(include_header=header).encode()
