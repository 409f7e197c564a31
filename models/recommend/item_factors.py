"""What models with one vector an item share: two items are as similar as their vectors' directions."""

import numpy as np
import numpy.typing as npt


def unit_rows(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Rows scaled to length 1; rows of zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(np.float32)


def cosine(
    vectors: npt.NDArray[np.floating], sources: npt.NDArray[np.int64], targets: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """(sources, targets) cosine between rows of `vectors` (items, factors)."""
    similarity: npt.NDArray[np.float32] = unit_rows(vectors[sources]) @ unit_rows(vectors[targets]).T
    return similarity
