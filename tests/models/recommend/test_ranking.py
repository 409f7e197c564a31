"""The best k against a plain sort."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.recommend.ranking import top_k

values = st.floats(-5, 5, width=16) | st.just(-np.inf)
matrices = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9), elements=values)


@given(matrices, st.integers(0, 12))
def test_top_k_takes_the_highest_scores_in_order(scores: np.ndarray, k: int) -> None:
    ids, best = top_k(scores, k)
    expected = np.sort(scores, axis=1)[:, ::-1][:, :k]
    np.testing.assert_array_equal(best, expected)
    for row, columns, found in zip(scores, ids, best, strict=True):
        taken = columns[columns >= 0]
        np.testing.assert_array_equal(row[taken], found[: len(taken)])
        assert len(set(taken.tolist())) == len(taken)
        assert np.isneginf(found[len(taken) :]).all()


@given(hnp.arrays(np.float32, (3, 9), elements=values, unique=True))
def test_equal_scores_stand_by_column(scores: np.ndarray) -> None:
    doubled = np.repeat(scores, 2, axis=1)
    ids, best = top_k(doubled, doubled.shape[1])
    for columns, found in zip(ids, best, strict=True):
        equal = (found[1:] == found[:-1]) & np.isfinite(found[1:])
        assert (np.diff(columns)[equal] == 1).all()
