"""PureSVD: truncated SVD of the interaction matrix, with missing interactions as zeros.

Cremonesi, Koren, Turrin: Performance of Recommender Algorithms on Top-N Recommendation Tasks (RecSys 2010).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.sparse import csr_matrix
from sklearn.utils.extmath import randomized_svd

from models.recommend.item_factors import cosine
from models.recommend.recommender import Floats, Ids, Recommender


@dataclass(frozen=True)
class PureSvdConfig:
    """Hyperparameters of PureSVD."""

    embedding_size: int = 32
    power_iterations: int = 4
    """Power iterations of the randomised SVD (Halko, Martinsson, Tropp 2011); more give more exact singular vectors."""
    seed: int = 20220501


class PureSvd(Recommender):
    """score = profile @ V @ Vᵀ. V (items, embedding_size) are the right singular vectors."""

    name = "pure_svd"
    config_type = PureSvdConfig
    config: PureSvdConfig
    arrays = ("item_factors",)
    item_factors: Floats

    def _fit(self, interactions: csr_matrix, item_text: Sequence[str] | None) -> None:
        _, _, directions = randomized_svd(
            interactions,
            n_components=min(self.config.embedding_size, *interactions.shape),
            n_iter=self.config.power_iterations,
            random_state=self.config.seed,
        )
        self.item_factors = directions.T.astype("float32", order="C")

    def _score(self, profiles: csr_matrix) -> Floats:
        scores: Floats = (profiles @ self.item_factors) @ self.item_factors.T
        return scores

    def similarity(self, sources: Ids, targets: Ids) -> Floats:
        """Return the cosine similarity of the item vectors."""
        return cosine(self.item_factors, sources, targets)
