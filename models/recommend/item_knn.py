"""Item-based collaborative filtering: an item is scored by the similarity of its nearest neighbours among those watched.

Sarwar et al.: Item-based Collaborative Filtering Recommendation Algorithms (WWW 2001); neighbours by the `implicit` library.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from implicit.nearest_neighbours import ItemItemRecommender
from scipy.sparse import csr_matrix, diags
from sklearn.preprocessing import normalize

from models.recommend.recommender import Floats, Ids, Recommender

_TIE = 1e-6  # items that no neighbour speaks for stand behind all others, in the order of the trend


@dataclass(frozen=True)
class ItemKnnConfig:
    """Hyperparameters of item-based collaborative filtering."""

    neighbours: int = 200
    popularity_exponent: float = 0.2
    """Similarities to an item are multiplied by its squared length to this power: plain cosine (0) favours rare items."""


class ItemKnn(Recommender):
    """score = profile S, with S (items, items) the cosine of co-watching, kept for the nearest neighbours."""

    name = "item_knn"
    config_type = ItemKnnConfig
    config: ItemKnnConfig
    arrays = ("neighbours",)
    neighbours: csr_matrix
    """(items, items) row: what was watched; column: what that speaks for."""

    def _fit(self, interactions: csr_matrix, item_text: Sequence[str] | None) -> None:
        watched = np.flatnonzero(np.bincount(interactions.indices, minlength=interactions.shape[1]))
        finder = ItemItemRecommender(K=min(self.config.neighbours + 1, len(watched)))
        finder.fit(normalize(interactions[:, watched].astype(np.float64), axis=0).tocsr(), show_progress=False)
        found = finder.similarity.tocoo()  # row: whose neighbours; column: the neighbour
        others = found.row != found.col
        rows, columns = watched[found.col[others]], watched[found.row[others]]
        shape = (interactions.shape[1], interactions.shape[1])
        cosines = csr_matrix((found.data[others].astype(np.float32), (rows, columns)), shape=shape)
        lengths = np.asarray(interactions.power(2).sum(axis=0)).ravel()
        weighted = csr_matrix(cosines @ diags(lengths**self.config.popularity_exponent))
        weighted.sort_indices()
        self.neighbours = weighted.astype(np.float32)

    def _score(self, profiles: csr_matrix) -> Floats:
        scores: Floats = (profiles @ self.neighbours).toarray()
        scores += _TIE * self.trend
        return scores

    def similarity(self, sources: Ids, targets: Ids) -> Floats:
        """The weights that scores are made of."""
        weights: Floats = self.neighbours[sources].toarray()[:, targets]
        return weights
