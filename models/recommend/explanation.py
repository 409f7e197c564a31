"""Explanations: the watched item that contributes most to a recommendation."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from models.recommend.recommender import Recommender


def explaining_items(model: Recommender, profiles: csr_matrix, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, for each recommended item, the watched item with the highest strength times similarity.

    For models whose score is a sum over watched items (EASE, item-based filtering) this is the largest summand. For the
    others it is the item with the most similar vector.

    Args:
        model: the model that made the recommendations.
        profiles: (users, items) the strengths that it used.
        ids: (users, ranks) recommended columns, -1 for unused ranks.

    Returns:
        (users, ranks) watched columns; -1 if no watched item contributes, or the model is not personal.
    """
    sources = np.full(ids.shape, -1, dtype=np.int64)
    if not model.personal:
        return sources
    for user in range(len(ids)):
        entries = slice(profiles.indptr[user], profiles.indptr[user + 1])
        watched, strengths = profiles.indices[entries], profiles.data[entries]
        ranks = int(np.count_nonzero(ids[user] >= 0))
        if len(watched) == 0 or ranks == 0:
            continue
        contributions = strengths[:, None] * model.similarity(watched, ids[user, :ranks])
        best = contributions.argmax(axis=0)
        is_positive = np.take_along_axis(contributions, best[None], axis=0)[0] > 0
        sources[user, :ranks] = np.where(is_positive, watched[best], -1)
    return sources
