"""The item factors of implicit ALS, fitted by Spark's MLlib on the executors. `models.recommend.als` serves them.

MLlib and the `implicit` library minimise the same loss, but MLlib multiplies the regularization of each user and item by its
number of pairs (Zhou et al.: Large-scale Parallel Collaborative Filtering for the Netflix Prize, AAIM 2008).
"""

import math

import numpy as np
from numpy.typing import NDArray
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame

from models.recommend.als import AlsConfig

REGULARIZATION = 1.0
"""On KuaiRand's 2022-05-02, NDCG@20 is .082 with 3, .089 with 1; `implicit` reaches .085 with its own regularization."""
EPOCHS = 8
"""Four fewer than `AlsConfig.epochs`, for a third less time. Many more would overflow the stack, see infra/spark/common.conf."""

_BLOCK_PAIRS = 1_000_000


def item_factors(pairs: DataFrame, items: int, rows: int, config: AlsConfig) -> NDArray[np.float32]:
    """Return the item factors (items, embedding_size), zeros for an item without pairs.

    Args:
        pairs: user and item, as numbers, and strength > 0, a row for each pair.
        items: number of items.
        rows: about how many pairs there are.
        config: hyperparameters.
    """
    # The result depends on the blocks, so they depend on nothing but the data.
    blocks = math.ceil(rows / _BLOCK_PAIRS)
    als = ALS(
        rank=config.embedding_size,
        maxIter=EPOCHS,
        regParam=REGULARIZATION,
        alpha=config.alpha,
        implicitPrefs=True,
        userCol="user",
        itemCol="item",
        ratingCol="strength",
        numUserBlocks=blocks,
        numItemBlocks=blocks,
        seed=config.seed,
    )
    fitted = als.fit(pairs).itemFactors.toArrow()
    factors = np.zeros((items, config.embedding_size), dtype=np.float32)
    vectors = fitted["features"].combine_chunks().flatten().to_numpy()
    factors[fitted["id"].to_numpy()] = vectors.reshape(-1, config.embedding_size)
    return factors
