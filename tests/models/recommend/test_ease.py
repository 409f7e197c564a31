"""EASE is compared with its definition."""

import numpy as np

from models.recommend.ease import Ease, EaseConfig
from tests.models.recommend.tastes import interactions

X = interactions(users=60, items=15)


def test_weights_solve_the_constrained_ridge_regression() -> None:
    """Each column is the ridge regression of its item on all others."""
    model = Ease(EaseConfig(regularization=7.0)).fit(X)
    dense = X.toarray().astype(np.float64)
    ridge = 7.0 * np.mean(np.square(X.data))
    weights = model.weights.toarray()
    for item in range(15):
        others = np.delete(np.arange(15), item)
        A = dense[:, others]
        expected = np.linalg.solve(A.T @ A + ridge * np.eye(14), A.T @ dense[:, item])
        np.testing.assert_allclose(weights[others, item], expected, atol=1e-4)
    assert (np.diag(weights) == 0).all()


def test_the_scale_of_strengths_does_not_matter() -> None:
    small, large = (Ease().fit(X * scale).weights.toarray() for scale in (1.0, 64.0))
    np.testing.assert_allclose(large, small, atol=1e-5)


def test_only_the_most_watched_items_are_fitted_and_only_their_largest_weights_are_kept() -> None:
    full = Ease(EaseConfig(regularization=7.0)).fit(X).weights.toarray()
    few = Ease(EaseConfig(regularization=7.0, weights_per_item=3)).fit(X).weights.toarray()
    assert ((few != 0).sum(axis=0) == 3).all()
    np.testing.assert_array_equal(few[few != 0], full[few != 0])
    assert (np.abs(full * (few == 0)).max(axis=0) <= np.abs(few).max(axis=0)).all()
    part = Ease(EaseConfig(regularization=7.0, max_items=6)).fit(X)
    assert set(part.weights.nonzero()[0]) <= set(np.argsort(-np.diff(X.tocsc().indptr), kind="stable")[:6])


def test_a_large_catalogue_is_scored_without_a_dense_matrix() -> None:
    model = Ease(EaseConfig(regularization=7.0)).fit(X)
    dense = model.recommend(X, 5)[1]
    model.config = EaseConfig(regularization=7.0, max_items=X.shape[1] - 1)
    np.testing.assert_allclose(model.recommend(X, 5)[1], dense, rtol=1e-5)
