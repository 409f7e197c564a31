"""EASE: a linear autoencoder over items with a closed form.

Steck: Embarrassingly Shallow Autoencoders for Sparse Data (WWW 2019): B = I - P / diag(P) with P = (XᵀX + λI)⁻¹.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import spotrf, spotri
from scipy.sparse import csr_matrix

from models.recommend.recommender import Floats, Ids, Recommender

_BLOCK = 512  # columns that are processed at a time
_TIE = 1e-6  # weight of the trend: it orders items whose scores are otherwise equal


@dataclass(frozen=True)
class EaseConfig:
    """Hyperparameters of EASE."""

    regularization: float = 500.0
    """λ, in units of the mean squared strength, so that the result does not depend on the scale of strengths."""
    weights_per_item: int = 1000
    """Weights kept for each item, largest first. On KuaiRand, 1,000 of 7,583 cost .0005 NDCG@20 and take 60 MB, not 230."""
    max_items: int = 20_000
    """Only the most watched items are fitted: time is cubic, memory quadratic (two matrices of 1.6 GB each for 20,000)."""


class Ease(Recommender):
    """score = profile @ B. B (items, items) has a zero diagonal and predicts each item linearly from all others."""

    name = "ease"
    config_type = EaseConfig
    config: EaseConfig
    arrays = ("weights",)
    weights: csr_matrix
    """(items, items) rows: watched items; columns: scored items. A weight may be negative."""

    def _fit(self, interactions: csr_matrix, item_text: Sequence[str] | None) -> None:
        counts = np.bincount(interactions.indices, minlength=interactions.shape[1])
        chosen = np.sort(np.argsort(-counts, kind="stable")[: self.config.max_items])
        chosen = chosen[counts[chosen] > 0]
        part = interactions[:, chosen]
        gram = np.asfortranarray((part.T @ part).toarray(), dtype=np.float32)
        gram[np.diag_indices_from(gram)] += self.config.regularization * np.mean(np.square(part.data))
        weights = _autoencoder(gram)
        _keep_largest(weights, self.config.weights_per_item)
        fitted = csr_matrix(weights)
        row_sizes = np.zeros(interactions.shape[1], dtype=np.int64)
        row_sizes[chosen] = np.diff(fitted.indptr)
        self.weights = csr_matrix(
            (fitted.data, chosen[fitted.indices], np.concatenate([[0], np.cumsum(row_sizes)])),
            shape=(interactions.shape[1], interactions.shape[1]),
        )

    def _score(self, profiles: csr_matrix) -> Floats:
        # A dense product is twice as fast, but its memory is quadratic in the items of the catalogue, fitted or not.
        is_small = self.items <= self.config.max_items
        scores: Floats = profiles @ self.weights.toarray() if is_small else (profiles @ self.weights).toarray()
        scores += _TIE * self.trend
        return scores

    def similarity(self, sources: Ids, targets: Ids) -> Floats:
        """Return the weights that the scores are computed from."""
        weights: Floats = self.weights[sources].toarray()[:, targets]
        return weights


def _autoencoder(gram: Floats) -> Floats:
    """Return B for a regularized Gram matrix (Fortran order, overwritten): the inverse by Cholesky, scaled by its diagonal."""
    factor, _ = spotrf(gram, lower=True, overwrite_a=True)  # positive definite because of the regularization
    inverse, _ = spotri(factor, lower=True, overwrite_c=True)
    weights: Floats = inverse
    for block in _blocks(len(weights)):  # spotri computes the lower triangle
        weights[block, block.stop :] = weights[block.stop :, block].T
        square = weights[block, block]
        square[:] = np.tril(square) + np.tril(square, -1).T
    weights /= -np.diag(weights).copy()
    np.fill_diagonal(weights, 0)
    return weights


def _keep_largest(weights: Floats, kept: int) -> None:
    """Set all but the `kept` largest absolute weights of each column to zero, or more if some are equal."""
    if kept >= len(weights):
        return
    for block in _blocks(len(weights)):
        sizes = np.abs(weights[:, block].T)
        smallest_kept = np.partition(sizes, -kept, axis=1)[:, -kept]
        weights[:, block][smallest_kept > sizes.T] = 0


def _blocks(length: int) -> list[slice]:
    return [slice(start, min(start + _BLOCK, length)) for start in range(0, length, _BLOCK)]
