"""Recent popularity of each item, from strengths that decay with time."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

EXPONENT = 4.0
"""A strength with a half-life of 7 days, to the power of 4, has a half-life of 42 hours."""
CAP = 2.0
"""About one full view, so that a single user with many views does not make a trend."""


def trend(interactions: csr_matrix) -> NDArray[np.float32]:
    """Return the sum of each item's strengths, each capped and raised to a power, so that recent ones dominate.

    Args:
        interactions: (users, items) strengths, positive.

    Returns:
        (items,) scaled so that the highest is 1.
    """
    powers = np.minimum(interactions.data, CAP).astype(np.float64) ** EXPONENT
    return trend_of_sums(np.bincount(interactions.indices, weights=powers, minlength=interactions.shape[1]))


def trend_of_sums(sums: NDArray[np.number]) -> NDArray[np.float32]:
    """Return `trend` from the sums (items,) of min(strength, CAP) ** EXPONENT, at least one of them positive."""
    return np.asarray(sums / sums.max(), dtype=np.float32)
