"""Read the recommendations for the simulated users from the lake, by their pseudonyms."""

import datetime as dt

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.dataset

from jobs.platform.pseudonym import pseudonym

RANKS = 50


def slates(recommendations: pyarrow.dataset.Dataset, date: dt.date, users: int, key: bytes) -> numpy.ndarray:
    """Return the videos recommended to users 0 … n-1 in one day's partition.

    Args:
        recommendations: gold.recommendations.
        date: the partition; recommendations computed at the end of a day are shown on the next day.
        users: number of simulated users.
        key: the lake's pseudonym key.

    Returns:
        (users, RANKS) video ids, best first, -1 for none.
    """
    pseudonyms = pyarrow.array([pseudonym(user, key) for user in range(users)])
    video_ids = numpy.full((users, RANKS), -1, numpy.int64)
    day = recommendations.scanner(columns=["user_id", "rank", "video_id"], filter=pyarrow.dataset.field("date") == date)
    for batch in day.to_batches():
        user = pyarrow.compute.fill_null(pyarrow.compute.index_in(batch["user_id"], pseudonyms), -1).to_numpy()
        rank = batch["rank"].to_numpy()
        known = (user >= 0) & (rank <= RANKS)
        video_ids[user[known], rank[known] - 1] = batch["video_id"].to_numpy()[known]
    return video_ids
