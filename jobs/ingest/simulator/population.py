"""The users of the simulated app: what they like, how much they watch and when. They are the same every day.

Users are generated in blocks, each with its own random generator, so that millions of users are never in memory at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy
import polars

from jobs.ingest.simulator.catalogue import HIDDEN
from jobs.ingest.simulator.seeding import generator
from jobs.ingest.simulator.vocabulary import CATEGORIES, TAGS

BLOCK = 50_000
"""Number of users per block."""

CLUSTERS = 12
"""Number of user clusters. Users of a cluster prefer the same categories, and some static columns depend on the cluster."""

_HOURS = numpy.array(
    [42, 26, 17, 11, 9, 12, 21, 32, 40, 46, 53, 61, 67, 66, 59, 61, 65, 71, 69, 68, 72, 78, 78, 69], float
)
_DEGREES = ("low_active", "middle_active", "high_active", "full_active")
_FOLLOW_RANGES = (
    (1, 11, 51, 101, 151, 251, 501),
    ("0", "(0,10]", "(10,50]", "(50,100]", "(100,150]", "(150,250]", "(250,500]", "500+"),
)
_FAN_RANGES = (
    (1, 10, 100, 1_000, 5_000, 10_000, 100_000),
    ("0", "[1,10)", "[10,100)", "[100,1k)", "[1k,5k)", "[5k,1w)", "[1w,10w)", "[10w,100w)"),
)
_FRIEND_RANGES = (1, 5, 30, 60, 120, 250), ("0", "[1,5)", "[5,30)", "[30,60)", "[60,120)", "[120,250)", "250+")
_REGISTER_RANGES = (
    (15, 31, 61, 91, 181, 366, 731),
    ("8-14", "15-30", "31-60", "61-90", "91-180", "181-365", "366-730", "730+"),
)


@dataclass(frozen=True)
class Users:
    """A block of n users with consecutive ids."""

    user_id: numpy.ndarray
    cluster: numpy.ndarray
    taste: numpy.ndarray
    """(n, tags): how much a user likes a tag, approximately standard normal over users and tags."""
    hidden: numpy.ndarray
    """(n, HIDDEN): latent tastes; the dot product with a video's is approximately standard normal."""
    activity: numpy.ndarray
    """Sessions per day, relative to the mean."""
    generosity: numpy.ndarray
    """How easily a user clicks and likes, standard normal."""
    favourite_hour: numpy.ndarray

    def __len__(self) -> int:
        return len(self.user_id)


def blocks(seed: int, users: int) -> Iterator[Users]:
    """Yield all users in blocks of BLOCK."""
    for first in range(0, users, BLOCK):
        yield _block(seed, first, min(BLOCK, users - first))


def hour_shares() -> numpy.ndarray:
    """Return the share of sessions that begin in each of the 24 hours of a day, as in KuaiRand."""
    return _HOURS / _HOURS.sum()


def _block(seed: int, first: int, size: int) -> Users:
    leanings = generator(seed, "clusters").standard_normal((CLUSTERS, len(CATEGORIES)))
    rng = generator(seed, "users", first // BLOCK)
    cluster = rng.integers(CLUSTERS, size=size)
    category = (leanings[cluster] + 0.8 * rng.standard_normal((size, len(CATEGORIES)))) / 1.64**0.5
    tags_each = len(TAGS) // len(CATEGORIES)
    taste = 0.88 * category.repeat(tags_each, axis=1) + 0.47 * rng.standard_normal((size, len(TAGS)))
    return Users(
        user_id=numpy.arange(first, first + size),
        cluster=cluster,
        taste=taste.astype(numpy.float32),
        hidden=rng.standard_normal((size, HIDDEN)),
        activity=rng.lognormal(-0.32, 0.8, size),
        generosity=rng.standard_normal(size),
        favourite_hour=rng.choice(24, size=size, p=hour_shares()),
    )


def user_rows(users: Users, seed: int) -> polars.DataFrame:
    """Return the snapshot of a block of users in KuaiRand's 31 columns.

    `onehot_feat1` and `onehot_feat2` depend on the cluster, with noise, and the degree on the activity; other columns are noise.
    """
    rng = generator(seed, "profiles", int(users.user_id[0]) // BLOCK)
    size = len(users)
    follow, fans, friends = (rng.lognormal(*law, size).astype(int) for law in ((4.9, 1.4), (4.3, 1.8), (3.0, 1.7)))
    register = rng.integers(8, 3_000, size)
    mistaken = rng.random(size) < 0.2
    noisy_cluster = numpy.where(mistaken, rng.integers(CLUSTERS, size=size), users.cluster)
    columns: dict[str, numpy.ndarray] = {
        "user_id": users.user_id,
        "user_active_degree": numpy.array(_DEGREES)[numpy.digitize(users.activity, (0.2, 0.4, 0.8))],
        "is_lowactive_period": numpy.zeros(size, int),
        "is_live_streamer": numpy.where(rng.random(size) < 0.23, 1, -124),
        "is_video_author": (rng.random(size) < 0.8).astype(int),
        "follow_user_num": follow,
        "follow_user_num_range": _range(follow, _FOLLOW_RANGES),
        "fans_user_num": fans,
        "fans_user_num_range": _range(fans, _FAN_RANGES),
        "friend_user_num": friends,
        "friend_user_num_range": _range(friends, _FRIEND_RANGES),
        "register_days": register,
        "register_days_range": _range(register, _REGISTER_RANGES),
    }
    sizes = (2, 7, 50, 1_471, 15, 34, 3, 118, 454, 7, 5, 5, 2, 2, 2, 2, 2, 2)
    for number, values in enumerate(sizes):
        drawn = rng.integers(values, size=size)
        columns[f"onehot_feat{number}"] = drawn.astype(float) if number == 4 or number >= 12 else drawn
    columns["onehot_feat1"] = noisy_cluster % 7
    columns["onehot_feat2"] = noisy_cluster * 4 + columns["onehot_feat2"] % 4
    return polars.DataFrame(columns)


def _range(values: numpy.ndarray, ranges: tuple[tuple[int, ...], tuple[str, ...]]) -> numpy.ndarray:
    bounds, names = ranges
    return numpy.array(names)[numpy.digitize(values, bounds)]
