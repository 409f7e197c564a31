"""Cosine similarity, for models that have one vector for each item."""

import numpy as np
from numpy.typing import NDArray


def unit_rows(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the rows scaled to length 1; rows of zeros stay zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(np.float32)


def cosine(
    vectors: NDArray[np.floating], sources: NDArray[np.int64], targets: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the cosine similarities (sources, targets) of rows of `vectors` (items, embedding_size)."""
    similarity: NDArray[np.float32] = unit_rows(vectors[sources]) @ unit_rows(vectors[targets]).T
    return similarity
