"""Metrics of click probabilities: ranking, likelihood and calibration."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COMPARED = ("auc", "gauc", "log_loss", "calibration")
"""Metrics shown in model comparisons (promotion, summary and report), in this order."""
PLOTTED = ("auc", "log_loss", "calibration")
"""Metrics that the report plots for each night."""

Numbers = NDArray[np.floating]
Labels = NDArray[np.integer]
Groups = NDArray[np.str_] | NDArray[np.bytes_] | NDArray[np.integer]

_EPSILON = 1e-7


def auc(labels: Labels, probabilities: Numbers) -> float:
    """Return the area under the ROC curve; NaN if only one class is present."""
    if labels.min() == labels.max():
        return float("nan")
    return gauc(labels, probabilities, np.zeros(len(labels), dtype=np.int64))


def gauc(labels: Labels, probabilities: Numbers, users: Groups) -> float:
    """Return GAUC: the mean AUC of users, weighted by impressions (Zhu et al., 2017, "Optimized cost per click in Taobao").

    AUC over all users also rewards knowing which users click often; GAUC measures only the ranking for each user. Users with
    only clicks or only non-clicks have no AUC and are left out.

    Args:
        labels: shape (rows,), 0 or 1.
        probabilities: shape (rows,).
        users: shape (rows,), the user of each impression.

    Returns:
        Between 0 and 1; NaN if no user has both a click and a non-click.
    """
    _, user = np.unique(users, return_inverse=True)
    impressions = np.bincount(user)
    clicks = np.bincount(user, weights=labels)
    misses = impressions - clicks
    # Rank within each user, ties get their mean rank: rank (user, score) pairs over all rows, then subtract the preceding rows.
    order = np.lexsort((probabilities, user))
    key = np.cumsum(
        np.diff(user[order], prepend=-1).astype(bool) | np.diff(probabilities[order], prepend=np.nan).astype(bool)
    )
    rank = np.empty(len(user))
    tied = np.bincount(key)
    rank[order] = (np.cumsum(tied) - (tied - 1) / 2)[key]
    rank -= (np.cumsum(impressions) - impressions)[user]
    rank_of_clicks = np.bincount(user, weights=rank * labels)
    both = (clicks > 0) & (misses > 0)
    if not both.any():
        return float("nan")
    # Mann-Whitney's U over the number of (click, non-click) pairs is the AUC.
    area = (rank_of_clicks[both] - clicks[both] * (clicks[both] + 1) / 2) / (clicks[both] * misses[both])
    return float(np.average(area, weights=impressions[both]))


def log_loss(labels: Labels, probabilities: Numbers) -> float:
    """Return the mean negative log-likelihood in nats; probabilities are clipped to [1e-7, 1 - 1e-7]."""
    p = np.clip(probabilities, _EPSILON, 1 - _EPSILON)
    return float(-np.mean(np.where(labels == 1, np.log(p), np.log1p(-p))))


def calibration(labels: Labels, probabilities: Numbers) -> float:
    """Return expected clicks / observed clicks: 1 is perfect, above 1 is too high; infinite without any click."""
    observed = float(labels.sum())
    return float(probabilities.sum()) / observed if observed else float("inf")


@dataclass(frozen=True)
class GroupCalibration:
    """Expected and observed clicks of the impressions with one value of a field."""

    value: str
    impressions: int
    expected: float
    observed: int


def calibration_by(labels: Labels, probabilities: Numbers, groups: Groups) -> list[GroupCalibration]:
    """Return the calibration for each value of a field, the most frequent value first.

    Args:
        labels: shape (rows,), 0 or 1.
        probabilities: shape (rows,).
        groups: shape (rows,), the field's value of each row.
    """
    values, group, impressions = np.unique(groups, return_inverse=True, return_counts=True)
    expected = np.bincount(group, weights=probabilities)
    observed = np.bincount(group, weights=labels)
    return [
        GroupCalibration(str(values[index]), int(impressions[index]), float(expected[index]), int(observed[index]))
        for index in np.argsort(-impressions, kind="stable")
    ]


def field_calibration_error(labels: Labels, probabilities: Numbers, groups: Groups) -> float:
    """Return the sum of |expected - observed| clicks over the values of a field, divided by all clicks.

    Similar to Field-RCE of Pan et al. (2020, "Field-aware calibration"). 0 is perfect; 0.1 is an error of 10 % on average.
    """
    parts = calibration_by(labels, probabilities, groups)
    observed = sum(part.observed for part in parts)
    return sum(abs(part.expected - part.observed) for part in parts) / observed if observed else float("inf")


def reliability(labels: Labels, probabilities: Numbers, bins: int = 10) -> tuple[Numbers, Numbers, NDArray[np.int64]]:
    """Return the calibration curve over bins of (nearly) equally many impressions, ordered by prediction.

    Returns:
        Mean prediction, click rate and impressions of each bin, each of shape (min(bins, rows),).
    """
    order = np.argsort(probabilities, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    predicted = np.array([probabilities[part].mean() for part in parts])
    observed = np.array([labels[part].mean() for part in parts])
    return predicted, observed, np.array([len(part) for part in parts], dtype=np.int64)


def expected_calibration_error(labels: Labels, probabilities: Numbers, bins: int = 10) -> float:
    """Return ECE over equal-mass bins (Naeini et al., 2015): mean |prediction - click rate| weighted by impressions."""
    predicted, observed, impressions = reliability(labels, probabilities, bins)
    return float(np.average(np.abs(predicted - observed), weights=impressions))


def click_metrics(labels: Labels, probabilities: Numbers, users: Groups) -> dict[str, float]:
    """Return the metrics of a click model."""
    return {
        "auc": auc(labels, probabilities),
        "gauc": gauc(labels, probabilities, users),
        "log_loss": log_loss(labels, probabilities),
        "calibration": calibration(labels, probabilities),
        "ece": expected_calibration_error(labels, probabilities),
    }
