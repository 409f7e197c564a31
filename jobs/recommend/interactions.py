"""The interactions as of a night as sparse matrices: users are rows, videos are columns."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from jobs.recommend.profiles import to_pairs
from models.recommend.recommender import Recommender

RECENT_DAYS = 2

Values = NDArray[np.float32]
Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class KnownInteractions:
    """The interactions up to a point in time; all matrices are (users, items).

    Attributes:
        strength: strength of each user's interest in each video, decayed to that time.
        watched: 1 if the user was shown the video.
        recent: 1 if the user had a long view of the video, and last watched it within the last two days.
    """

    strength: csr_matrix
    watched: csr_matrix
    recent: csr_matrix

    def signal(self, model: type[Recommender]) -> csr_matrix:
        """Return the matrix to fit a model on."""
        return self.strength if model.signal == "strength" else self.recent


@dataclass(frozen=True)
class Interactions:
    """A night's interactions.

    Attributes:
        user_ids: (users,) ascending.
        before: up to the end of the day before.
        after: up to the end of the night's day.
        targets: 1 if the user had a long view of the video on the night's day and was never shown it before.
        active: (users,) True if the user watched anything in the last `ACTIVE_DAYS` days.
    """

    user_ids: NDArray[np.object_]
    before: KnownInteractions
    after: KnownInteractions
    targets: csr_matrix
    active: Rows


ACTIVE_DAYS = 7
"""The window of gold.user_features."""


def to_interactions(table: pa.Table, video_ids: NDArray[np.int64], date: dt.date) -> Interactions:
    """Convert rows of `arrow_interactions_as_of` to matrices.

    Args:
        table: the rows of all users, or of some.
        video_ids: (items,) ascending; the video of each column. Other videos are dropped, as they are no longer offered.
        date: the night.
    """
    pairs = to_pairs(table, video_ids)
    matrix, users = pairs.matrix, pairs.users
    days_ago, days_ago_before = (
        _days_before(date, table[name]) for name in ("last_event_date", "last_event_date_before")
    )
    views_before = table["views_before"].to_numpy()
    long_before = table["long_views_before"].to_numpy()
    long_on_day = table["long_views_on_day"].to_numpy()
    ones = np.ones(table.num_rows, dtype=np.float32)
    seen_before, seen = views_before > 0, np.ones(table.num_rows, dtype=bool)
    return Interactions(
        user_ids=pairs.user_ids,
        before=KnownInteractions(
            strength=matrix(table["strength_before"].to_numpy(), seen_before),
            watched=matrix(ones, seen_before),
            recent=matrix(ones, (long_before > 0) & _recent(days_ago_before, seen_before)),
        ),
        after=KnownInteractions(
            strength=matrix(table["strength"].to_numpy()),
            watched=matrix(ones),
            recent=matrix(ones, (long_before + long_on_day > 0) & _recent(days_ago, seen)),
        ),
        targets=matrix(ones, (long_on_day > 0) & ~seen_before),
        active=np.bincount(users[days_ago < ACTIVE_DAYS], minlength=len(pairs.user_ids)) > 0,
    )


def _recent(days_ago: NDArray[np.int64], eligible: Rows) -> Rows:
    """Return the eligible rows of the last two days, counted from the latest day with any: a lake may start with old history."""
    if not eligible.any():
        return eligible
    return eligible & (days_ago < days_ago[eligible].min() + RECENT_DAYS)


def _days_before(date: dt.date, days: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the number of days from each day to `date`; any number for a null."""
    return (np.datetime64(date) - days.to_numpy().astype("datetime64[D]")).astype(np.int64)
