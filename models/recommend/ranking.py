"""The best k of many scores, row by row."""

import numpy as np
import numpy.typing as npt


def top_k(scores: npt.NDArray[np.float32], k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Columns of the k highest scores of each row, best first, equal scores by column.

    Args:
        scores: (rows, columns); -inf marks what must not be taken.
        k: how many, at most the number of columns.

    Returns:
        columns and scores, each (rows, min(k, columns)); where fewer can be taken the rest is -1 and -inf.
    """
    k = min(k, scores.shape[1])
    if k == 0:
        return np.empty((len(scores), 0), dtype=np.int64), np.empty((len(scores), 0), dtype=np.float32)
    # The last column to be taken may be one of several equal ones; which of them is taken depends on the row alone.
    taken = np.sort(np.argpartition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k :], axis=1)
    values = np.take_along_axis(scores, taken, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    ids = np.take_along_axis(taken, order, axis=1).astype(np.int64)
    best = np.take_along_axis(values, order, axis=1)
    ids[np.isneginf(best)] = -1
    return ids, best
