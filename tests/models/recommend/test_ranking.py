"""top_k is compared with a plain sort."""

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.recommend.ranking import top_k

values = st.floats(-5, 5, width=16) | st.just(-np.inf)
matrices = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9), elements=values)


@given(matrices, st.integers(0, 12))
def test_top_k_returns_the_highest_scores_in_order(scores: np.ndarray, k: int) -> None:
    ids, best = top_k(scores, k)
    expected = np.sort(scores, axis=1)[:, ::-1][:, :k]
    np.testing.assert_array_equal(best, expected)
    for row, columns, row_scores in zip(scores, ids, best, strict=True):
        selected = columns[columns >= 0]
        np.testing.assert_array_equal(row[selected], row_scores[: len(selected)])
        assert len(set(selected.tolist())) == len(selected)
        assert np.isneginf(row_scores[len(selected) :]).all()


@given(hnp.arrays(np.float32, (3, 9), elements=values, unique=True))
def test_equal_scores_are_ordered_by_column(scores: np.ndarray) -> None:
    doubled = np.repeat(scores, 2, axis=1)
    ids, best = top_k(doubled, doubled.shape[1])
    for columns, row_scores in zip(ids, best, strict=True):
        equal = (row_scores[1:] == row_scores[:-1]) & np.isfinite(row_scores[1:])
        assert (np.diff(columns)[equal] == 1).all()
