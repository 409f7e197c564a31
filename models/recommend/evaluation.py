"""Evaluation of a recommender on what users watched after its training."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from models.recommend import metrics
from models.recommend.recommender import Recommender


@dataclass(frozen=True)
class Evaluation:
    """Recommendations for the users who have a target, and their metrics.

    Attributes:
        ids: (judged users, 20) recommended columns.
        metrics: recall, NDCG and MAP at 10 and 20, coverage and novelty at 20, number of judged users.
        ndcg_by_cutoff: NDCG at 1, 2, … 20.
    """

    ids: NDArray[np.int64]
    metrics: dict[str, float]
    ndcg_by_cutoff: list[float]


def evaluate(
    model: Recommender,
    profiles: csr_matrix,
    watched: csr_matrix,
    targets: csr_matrix,
    columns: NDArray[np.int64] | None = None,
) -> Evaluation:
    """Recommend items that were not watched before to every user who has a target, and compute the metrics.

    Args:
        model: fitted without the data of the targets.
        profiles: (users, items) strengths before the targets.
        watched: (users, items) stored entries were watched before and are never recommended.
        targets: (users, items) stored entries are the items that users then watched for the first time.
        columns: (model's items,) position of each of the model's items in `targets`, -1 if it no longer exists. None if
            the positions are the same. Items unknown to the model still count as targets.

    Raises:
        ValueError: no user has a target.
    """
    judged = np.flatnonzero(np.diff(targets.indptr))
    if len(judged) == 0:
        raise ValueError("no user has a target to evaluate on")
    last = max(metrics.CUTOFFS)
    if columns is None:
        columns = np.arange(targets.shape[1])
    model_ids, _ = model.recommend(
        _take(profiles[judged], columns), last, exclude=_take(watched[judged], columns), candidates=columns >= 0
    )
    ids = np.where(model_ids >= 0, columns[model_ids], -1)
    judged_targets = targets[judged]
    counts = np.diff(judged_targets.indptr).astype(np.int64)
    hits = metrics.hits(ids, judged_targets)
    by_cutoff = [metrics.ndcg(hits, counts, k) for k in range(1, last + 1)]
    return Evaluation(ids, metrics.ranking_metrics(ids, judged_targets, watched), by_cutoff)


def _take(matrix: csr_matrix, columns: NDArray[np.int64]) -> csr_matrix:
    """Return the given columns of a matrix; a column of -1 is empty."""
    return hstack([matrix, csr_matrix((matrix.shape[0], 1), dtype=matrix.dtype)], format="csr")[:, columns]
