"""Pairs of users and videos as sparse matrices: users are rows, videos are columns."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Pairs:
    """The positions of pairs in a matrix of users and videos.

    Attributes:
        user_ids: (users,) ascending.
        users: (pairs,) row of each pair.
        items: (pairs,) column of each pair; meaningless if the video is not offered.
        offered: (pairs,) True if a column has the video.
        shape: of the matrix.
    """

    user_ids: NDArray[np.object_]
    users: NDArray[np.int64]
    items: NDArray[np.int64]
    offered: NDArray[np.bool_]
    shape: tuple[int, int]

    def matrix(self, values: NDArray[np.floating], rows: NDArray[np.bool_] | bool = True) -> csr_matrix:
        """Return a matrix with one value for each pair that is offered and in `rows`."""
        kept = rows & self.offered
        return csr_matrix((values[kept].astype(np.float32), (self.users[kept], self.items[kept])), shape=self.shape)


def to_pairs(table: pa.Table, video_ids: NDArray[np.int64]) -> Pairs:
    """Return the positions of the pairs user_id, video_id of a table.

    Args:
        table: one row for each pair.
        video_ids: (items,) ascending; the video of each column.
    """
    encoded = table["user_id"].combine_chunks().dictionary_encode()
    names = np.asarray(encoded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(names)
    videos = table["video_id"].to_numpy()
    return Pairs(
        user_ids=names[order],
        users=np.argsort(order)[encoded.indices.to_numpy()],
        items=np.searchsorted(video_ids, videos),
        offered=np.isin(videos, video_ids),
        shape=(len(names), len(video_ids)),
    )


def to_profiles(table: pa.Table, video_ids: NDArray[np.int64]) -> tuple[NDArray[np.object_], csr_matrix, csr_matrix]:
    """Return the inputs of a recommender.

    Args:
        table: user_id, video_id and strength of all pairs of some users and a video that they were shown.
        video_ids: (items,) ascending; the video of each column.

    Returns:
        user ids (users,), positive strengths (users, items), and 1 for each pair (users, items).
    """
    pairs = to_pairs(table, video_ids)
    strength = table["strength"].to_numpy()
    return pairs.user_ids, pairs.matrix(strength, strength > 0), pairs.matrix(np.ones_like(strength))
