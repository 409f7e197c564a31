"""Evaluation of a recommender on what users watched after its training."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from models.recommend import metrics
from models.recommend.recommender import Recommender


@dataclass(frozen=True)
class Evaluation:
    """The metrics of a recommender.

    Attributes:
        metrics: recall, NDCG and MAP at 10 and 20, coverage and novelty at 20, number of judged users.
        ndcg_by_cutoff: NDCG at 1, 2, … 20.
        shown: (items,) to how many users each item is recommended.
        watchers: (items,) how many users had watched each item before.
    """

    metrics: dict[str, float]
    ndcg_by_cutoff: list[float]
    shown: NDArray[np.int64]
    watchers: NDArray[np.int64]


@dataclass(frozen=True)
class Totals:
    """What the evaluation of a block of users adds to that of all users.

    Attributes:
        judged_users: number of users with a target.
        accuracy: the sum over these users of each of `metrics.accuracy_metrics`; empty without such users.
        shown: (items,) to how many of them each item is recommended.
    """

    judged_users: int
    accuracy: dict[str, float]
    shown: NDArray[np.int64]


def evaluate(
    model: Recommender,
    profiles: csr_matrix,
    watched: csr_matrix,
    targets: csr_matrix,
    columns: NDArray[np.int64] | None = None,
) -> Evaluation | None:
    """Recommend items to every user who has a target, and compute the metrics. The arguments are those of `judge`.

    Returns:
        None if no user has a target.
    """
    watchers = np.bincount(watched.indices, minlength=watched.shape[1])
    users = int(np.count_nonzero(np.diff(watched.indptr)))
    return evaluation(judge(model, profiles, watched, targets, columns), watchers, users)


def judge(
    model: Recommender,
    profiles: csr_matrix,
    watched: csr_matrix,
    targets: csr_matrix,
    columns: NDArray[np.int64] | None = None,
) -> Totals:
    """Recommend 20 items that were not watched before to every user who has a target.

    Args:
        model: fitted without the data of the targets.
        profiles: (users, items) strengths before the targets.
        watched: (users, items) stored entries were watched before and are never recommended.
        targets: (users, items) stored entries are the items that users then watched for the first time.
        columns: (model's items,) position of each of the model's items in `targets`, -1 if it no longer exists. None if
            the positions are the same. Items unknown to the model still count as targets.
    """
    judged = np.flatnonzero(np.diff(targets.indptr))
    if len(judged) == 0:
        return Totals(0, {}, np.zeros(targets.shape[1], dtype=np.int64))
    if columns is None:
        columns = np.arange(targets.shape[1])
    model_ids, _ = model.recommend(
        _take(profiles[judged], columns),
        max(metrics.CUTOFFS),
        exclude=_take(watched[judged], columns),
        candidates=columns >= 0,
    )
    ids = np.where(model_ids >= 0, columns[model_ids], -1)
    means = metrics.accuracy_metrics(ids, targets[judged])
    accuracy = {name: mean * len(judged) for name, mean in means.items()}
    return Totals(len(judged), accuracy, np.bincount(ids[ids >= 0], minlength=targets.shape[1]))


def evaluation(totals: Totals, watchers: NDArray[np.int64], users: int) -> Evaluation | None:
    """Return the metrics of all users.

    Args:
        totals: the sum of the totals of all blocks of users.
        watchers: (items,) how many users had watched each item before.
        users: how many users had watched anything before.

    Returns:
        None if no user has a target.
    """
    if totals.judged_users == 0:
        return None
    means = {name: total / totals.judged_users for name, total in totals.accuracy.items()}
    last = max(metrics.CUTOFFS)
    values = {f"{name}_at_{k}": means[f"{name}_at_{k}"] for k in metrics.CUTOFFS for name in ("recall", "ndcg", "map")}
    values[f"coverage_at_{last}"] = metrics.coverage(totals.shown)
    values[f"novelty_at_{last}"] = metrics.novelty(totals.shown, watchers, users)
    values["judged_users"] = float(totals.judged_users)
    by_cutoff = [means[f"ndcg_at_{k}"] for k in range(1, last + 1)]
    return Evaluation(values, by_cutoff, totals.shown, watchers)


def _take(matrix: csr_matrix, columns: NDArray[np.int64]) -> csr_matrix:
    """Return the given columns of a matrix; a column of -1 is empty."""
    return hstack([matrix, csr_matrix((matrix.shape[0], 1), dtype=matrix.dtype)], format="csr")[:, columns]
