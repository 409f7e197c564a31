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

PARAMS = {"spark_regularization": 1.0, "spark_epochs": 8}
"""Hyperparameters of their own."""

_BLOCK_PAIRS = 2_000_000


def item_factors(pairs: DataFrame, items: int, rows: int, config: AlsConfig) -> NDArray[np.float32]:
    """Return the item factors (items, embedding_size), zeros for an item without pairs.

    Args:
        pairs: user and item, as numbers, and strength > 0, a row for each pair.
        items: number of items.
        rows: about how many pairs there are.
        config: hyperparameters.
    """
    blocks = max(
        4, math.ceil(rows / _BLOCK_PAIRS)
    )  # the result depends on them, so they depend on nothing but the data
    als = ALS(
        rank=config.embedding_size,
        maxIter=int(PARAMS["spark_epochs"]),
        regParam=PARAMS["spark_regularization"],
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
