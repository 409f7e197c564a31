"""How good rankings are: recall, NDCG and MAP against what users went on to do, coverage and novelty of what is shown.

All take `ids`, (users, ranks) item columns, best first, -1 where a list is shorter. Means are over all users handed over, so
leave out those without a target. Accuracy says nothing about how few items carry it: read it beside coverage.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CUTOFFS = (10, 20)
"""How many of the first ranks the figures of accuracy look at; those of what is shown look at the most of them."""
COMPARED = ("ndcg_at_20", "recall_at_20", "map_at_20", "coverage_at_20", "novelty_at_20")
"""What models are compared by wherever people look at them, in this order: the night's verdict, summary and report."""
PLOTTED = ("ndcg_at_20", "coverage_at_20")
"""Those that the report draws night by night: how good, and what it costs."""

Ids = npt.NDArray[np.int64]
Hits = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


def figures(ids: Ids, targets: "csr_matrix", watched: "csr_matrix") -> dict[str, float]:
    """Every metric of a recommender, by the name that it has wherever people look at it.

    Args:
        ids: (users, ranks).
        targets: (users, items) of the same users, who have at least one each.
        watched: (all users, items) stored entries were watched before.
    """
    found, counts, last = hits(ids, targets), np.diff(targets.indptr).astype(np.int64), max(CUTOFFS)
    values: dict[str, float] = {}
    for k in CUTOFFS:
        values[f"recall_at_{k}"] = recall(found, counts, k)
        values[f"ndcg_at_{k}"] = ndcg(found, counts, k)
        values[f"map_at_{k}"] = average_precision(found, counts, k)
    watchers = np.bincount(watched.indices, minlength=watched.shape[1])
    users = int(np.count_nonzero(np.diff(watched.indptr)))
    values[f"coverage_at_{last}"] = coverage(ids, targets.shape[1], last)
    values[f"novelty_at_{last}"] = novelty(ids, watchers, users, last)
    values["judged_users"] = float(len(ids))
    return values


def hits(ids: Ids, targets: "csr_matrix") -> Hits:
    """(users, ranks) whether each recommended item is a stored entry of the user's row of `targets` (users, items)."""
    users = np.repeat(np.arange(targets.shape[0]), np.diff(targets.indptr))
    wanted = users * targets.shape[1] + targets.indices
    shown = np.arange(len(ids))[:, None] * targets.shape[1] + ids
    found: Hits = np.isin(shown, wanted) & (ids >= 0)
    return found


def recall(found: Hits, targets: Counts, k: int) -> float:
    """Mean share of a user's targets that stand among the first k.

    Args:
        found: (users, ranks) from `hits`.
        targets: (users,) number of targets, at least 1.
        k: cut-off.
    """
    return float(np.mean(found[:, :k].sum(axis=1) / targets))


def ndcg(found: Hits, targets: Counts, k: int) -> float:
    """Mean normalised discounted cumulative gain: Σ hit / log2(rank + 1) over its ideal of min(k, targets) hits at the top."""
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discounts)[np.minimum(targets, k) - 1]
    top = found[:, :k]
    return float(np.mean(top @ discounts[: top.shape[1]] / ideal))


def average_precision(found: Hits, targets: Counts, k: int) -> float:
    """MAP: mean over users of Σ (precision at each hit's rank) / min(k, targets)."""
    top = found[:, :k]
    precision = np.cumsum(top, axis=1) / np.arange(1, top.shape[1] + 1)
    return float(np.mean((precision * top).sum(axis=1) / np.minimum(targets, k)))


def coverage(ids: Ids, items: int, k: int) -> float:
    """Share of all items that at least one user is shown among the first k."""
    shown = np.unique(ids[:, :k])
    return float((shown >= 0).sum() / items)


def novelty(ids: Ids, watchers: npt.NDArray[np.integer], users: int, k: int) -> float:
    """Mean self-information, bits, of what is shown: -log2 of the share of users who watched the item before.

    Vargas, Castells: Rank and Relevance in Novelty and Diversity Metrics (RecSys 2011). One watcher is added to each item, so
    that one nobody has watched has a finite surprise.

    Args:
        ids: (users, ranks).
        watchers: (items,) how many of the users had watched each item.
        users: how many there are.
        k: cut-off.
    """
    information = -np.log2((watchers + 1) / (users + 1))
    top = ids[:, :k]
    return float(np.mean(information[top[top >= 0]])) if (top >= 0).any() else 0.0
