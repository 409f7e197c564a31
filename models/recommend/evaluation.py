"""Judges a recommender on what users did after its training."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack

from models.recommend import metrics
from models.recommend.recommender import Recommender


@dataclass(frozen=True)
class Evaluation:
    """What a recommender showed to the users who have a target.

    Attributes:
        ids: (judged users, 20) recommended columns.
        metrics: recall, ndcg and map at 10 and 20, coverage and novelty at 20, number of judged users.
        ndcg_by_cutoff: NDCG at 1, 2, … 20.
    """

    ids: npt.NDArray[np.int64]
    metrics: dict[str, float]
    ndcg_by_cutoff: list[float]


def evaluate(
    model: Recommender,
    profiles: csr_matrix,
    watched: csr_matrix,
    targets: csr_matrix,
    columns: npt.NDArray[np.int64] | None = None,
) -> Evaluation:
    """Recommend to every user who has a target, from all items not watched before, and compare.

    Args:
        model: fitted on nothing of what the targets tell.
        profiles: (users, items) strengths before.
        watched: (users, items) stored entries were watched before; never recommended.
        targets: (users, items) stored entries are what users went on to watch, for the first time.
        columns: (model's items,) which of the items each of the model's own is, -1 for one that is gone; None where they are
            the same. Items that the model does not know are targets all the same.

    Raises:
        ValueError: no user has a target.
    """
    judged = np.flatnonzero(np.diff(targets.indptr))
    if len(judged) == 0:
        raise ValueError("no user has a target to judge by")
    last = max(metrics.CUTOFFS)
    if columns is None:
        columns = np.arange(targets.shape[1])
    own, _ = model.recommend(
        _take(profiles[judged], columns), last, exclude=_take(watched[judged], columns), candidates=columns >= 0
    )
    ids = np.where(own >= 0, columns[own], -1)
    wanted = targets[judged]
    counts = np.diff(wanted.indptr).astype(np.int64)
    found = metrics.hits(ids, wanted)
    by_cutoff = [metrics.ndcg(found, counts, k) for k in range(1, last + 1)]
    return Evaluation(ids, metrics.figures(ids, wanted, watched), by_cutoff)


def _take(matrix: csr_matrix, columns: npt.NDArray[np.int64]) -> csr_matrix:
    """The matrix in other columns, those of -1 being empty."""
    return hstack([matrix, csr_matrix((matrix.shape[0], 1), dtype=matrix.dtype)], format="csr")[:, columns]
