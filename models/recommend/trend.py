"""Recent popularity of each item, from strengths that decay with time."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

_EXPONENT = 4.0  # a strength with a half-life of 7 days, to the power of 4, has a half-life of 42 hours
_CAP = 2.0  # about one full view, so that a single user with many views does not make a trend


def trend(interactions: csr_matrix) -> NDArray[np.float32]:
    """Return the sum of each item's strengths, each capped and raised to a power, so that recent ones dominate.

    Args:
        interactions: (users, items) strengths, positive.

    Returns:
        (items,) scaled so that the highest is 1.
    """
    powers = np.minimum(interactions.data, _CAP).astype(np.float64) ** _EXPONENT
    sums = np.bincount(interactions.indices, weights=powers, minlength=interactions.shape[1])
    return np.asarray(sums / sums.max(), dtype=np.float32)
