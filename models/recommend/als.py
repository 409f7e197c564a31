"""Implicit ALS: matrix factorisation for implicit feedback, fitted with the `implicit` library.

Hu, Koren, Volinsky: Collaborative Filtering for Implicit Feedback Datasets (ICDM 2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.recommend.item_factors import cosine
from models.recommend.recommender import Floats, Ids, Recommender


@dataclass(frozen=True)
class AlsConfig:
    """Hyperparameters of implicit ALS.

    The library's defaults (regularization 0.01, alpha 1) lose a third of NDCG@20 on KuaiRand: users have few views, and weak
    regularization overfits them.
    """

    embedding_size: int = 64
    regularization: float = 100.0
    alpha: float = 20.0
    """Confidence of an interaction of strength 1. A missing interaction has confidence 1."""
    epochs: int = 12
    seed: int = 20220501


class Als(Recommender):
    """score = dot product of user and item vectors, which are fitted so that it is high for observed interactions."""

    name = "als"
    config_type = AlsConfig
    config: AlsConfig
    arrays = ("item_factors",)
    item_factors: Floats

    def _fit(self, interactions: csr_matrix, item_text: Sequence[str] | None) -> None:
        with threadpool_limits(
            1, "blas"
        ):  # implicit runs one thread per block of users; nested BLAS threads slow it down
            solver = self._solver()
            solver.fit(interactions, show_progress=False)
        self.item_factors = solver.item_factors

    def _score(self, profiles: csr_matrix) -> Floats:
        with threadpool_limits(1, "blas"):
            solver = self._solver()
            solver.item_factors = self.item_factors
            user_factors = solver.recalculate_user(np.arange(profiles.shape[0]), profiles)
        scores: Floats = user_factors @ self.item_factors.T
        return scores

    def similarity(self, sources: Ids, targets: Ids) -> Floats:
        """Return the cosine similarity of the item vectors."""
        return cosine(self.item_factors, sources, targets)

    def _solver(self) -> AlternatingLeastSquares:
        return AlternatingLeastSquares(
            factors=self.config.embedding_size,
            regularization=self.config.regularization,
            alpha=self.config.alpha,
            iterations=self.config.epochs,
            random_state=self.config.seed,
        )
