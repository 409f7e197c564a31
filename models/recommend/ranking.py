"""Selection of the k highest scores in each row."""

import numpy as np
from numpy.typing import NDArray


def top_k(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return columns and scores of the k highest scores of each row, best first; ties are ordered by column.

    Args:
        scores: (rows, columns); entries of -inf are never selected.
        k: number of columns to select.

    Returns:
        columns and scores, each (rows, min(k, columns)). If a row has fewer selectable entries, the rest is -1 and -inf.
    """
    k = min(k, scores.shape[1])
    if k == 0:
        return np.empty((len(scores), 0), dtype=np.int64), np.empty((len(scores), 0), dtype=np.float32)
    # Of several equal scores at the cut, argpartition selects some; the choice depends on the row alone.
    selected = np.sort(np.argpartition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k :], axis=1)
    values = np.take_along_axis(scores, selected, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    ids = np.take_along_axis(selected, order, axis=1).astype(np.int64)
    best = np.take_along_axis(values, order, axis=1)
    ids[np.isneginf(best)] = -1
    return ids, best
