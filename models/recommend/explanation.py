"""Why an item is recommended: the watched item that speaks for it most."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from models.recommend.recommender import Recommender


def because_of(model: Recommender, profiles: csr_matrix, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The watched item with the greatest strength times similarity to each recommended one.

    For models whose score is a sum over what was watched (EASE, item-based filtering) this is the largest summand; for the
    others it is the closest in their vectors.

    Args:
        model: that recommended.
        profiles: (users, items) that it recommended from.
        ids: (users, ranks) recommended columns, -1 where none.

    Returns:
        (users, ranks) watched columns; -1 where nothing watched speaks for the item, or the model is not personal.
    """
    reasons = np.full(ids.shape, -1, dtype=np.int64)
    if not model.personal:
        return reasons
    for user in range(len(ids)):
        entries = slice(profiles.indptr[user], profiles.indptr[user + 1])
        watched, strengths = profiles.indices[entries], profiles.data[entries]
        ranks = int(np.count_nonzero(ids[user] >= 0))
        if len(watched) == 0 or ranks == 0:
            continue
        evidence = strengths[:, None] * model.similarity(watched, ids[user, :ranks])
        best = evidence.argmax(axis=0)
        speaks = np.take_along_axis(evidence, best[None], axis=0)[0] > 0
        reasons[user, :ranks] = np.where(speaks, watched[best], -1)
    return reasons
