"""How much each item is watched of late, from strengths that fade with time."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

_SHARPNESS = 4.0  # a strength that halves every 7 days, to the power of 4, halves every 42 hours
_CAP = 2.0  # about a view to the end: who watches one video again and again does not make a trend


def trend(interactions: csr_matrix) -> npt.NDArray[np.float32]:
    """The sum of each item's strengths, each capped and raised to a power, so that recent ones dominate.

    Args:
        interactions: (users, items) strengths, positive.

    Returns:
        (items,) scaled so that the highest is 1.
    """
    sharp = np.minimum(interactions.data, _CAP).astype(np.float64) ** _SHARPNESS
    sums = np.bincount(interactions.indices, weights=sharp, minlength=interactions.shape[1])
    return np.asarray(sums / sums.max(), dtype=np.float32)
