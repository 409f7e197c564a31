"""Ranking metrics: recall, NDCG and MAP against the targets, coverage and novelty of the recommendations.

`ids` are (users, ranks) item columns, best first, -1 for unused ranks. Means are over all users passed in, so leave out users
without a target. A few popular items can give good accuracy: always compare coverage too.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CUTOFFS = (10, 20)
"""Cut-offs of recall, NDCG and MAP. Coverage and novelty use the largest one."""
COMPARED = ("ndcg_at_20", "recall_at_20", "map_at_20", "coverage_at_20", "novelty_at_20")
"""Metrics shown in model comparisons (promotion, summary and report), in this order."""
PLOTTED = ("ndcg_at_20", "coverage_at_20")
"""Metrics that the report plots for each night."""

Ids = NDArray[np.int64]
Hits = NDArray[np.bool_]
Counts = NDArray[np.int64]


def accuracy_metrics(ids: Ids, targets: "csr_matrix") -> dict[str, float]:
    """Return NDCG at 1, 2, … and the last cut-off, and recall and MAP at the cut-offs, by their names in MLflow.

    Args:
        ids: (users, ranks).
        targets: (users, items) of the same users; each user has at least one target.
    """
    is_hit, counts = hits(ids, targets), np.diff(targets.indptr).astype(np.int64)
    values = {f"ndcg_at_{k}": ndcg(is_hit, counts, k) for k in range(1, max(CUTOFFS) + 1)}
    for k in CUTOFFS:
        values[f"recall_at_{k}"] = recall(is_hit, counts, k)
        values[f"map_at_{k}"] = average_precision(is_hit, counts, k)
    return values


def hits(ids: Ids, targets: "csr_matrix") -> Hits:
    """Return (users, ranks): True if the recommended item is a stored entry of the user's row of `targets` (users, items)."""
    users = np.repeat(np.arange(targets.shape[0]), np.diff(targets.indptr))
    target_keys = users * targets.shape[1] + targets.indices
    shown_keys = np.arange(len(ids))[:, None] * targets.shape[1] + ids
    is_hit: Hits = np.isin(shown_keys, target_keys) & (ids >= 0)
    return is_hit


def recall(is_hit: Hits, targets: Counts, k: int) -> float:
    """Return the mean share of a user's targets among the first k.

    Args:
        is_hit: (users, ranks) from `hits`.
        targets: (users,) number of targets, at least 1.
        k: cut-off.
    """
    return float(np.mean(is_hit[:, :k].sum(axis=1) / targets))


def ndcg(is_hit: Hits, targets: Counts, k: int) -> float:
    """Return mean NDCG: Σ hit / log2(rank + 1), divided by its value for min(k, targets) hits at the top."""
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discounts)[np.minimum(targets, k) - 1]
    top = is_hit[:, :k]
    return float(np.mean(top @ discounts[: top.shape[1]] / ideal))


def average_precision(is_hit: Hits, targets: Counts, k: int) -> float:
    """Return MAP: mean over users of Σ (precision at each hit's rank) / min(k, targets)."""
    top = is_hit[:, :k]
    precision = np.cumsum(top, axis=1) / np.arange(1, top.shape[1] + 1)
    return float(np.mean((precision * top).sum(axis=1) / np.minimum(targets, k)))


def coverage(shown: NDArray[np.integer]) -> float:
    """Return the share of all items that are recommended to at least one user.

    Args:
        shown: (items,) to how many users each item is recommended.
    """
    return float((shown > 0).mean())


def novelty(shown: NDArray[np.integer], watchers: NDArray[np.integer], users: int) -> float:
    """Return the mean self-information, in bits, of recommended items: -log2 of the share of users who watched them before.

    Vargas, Castells: Rank and Relevance in Novelty and Diversity Metrics (RecSys 2011). One watcher is added to each item, so
    that the value is finite for items that nobody has watched.

    Args:
        shown: (items,) to how many users each item is recommended.
        watchers: (items,) how many of the users had watched each item.
        users: number of users.
    """
    information = -np.log2((watchers + 1) / (users + 1))
    return float(np.average(information, weights=shown)) if shown.any() else 0.0
