"""Item-based collaborative filtering: the score of an item is the sum of its similarities to the watched items.

Sarwar et al.: Item-based Collaborative Filtering Recommendation Algorithms (WWW 2001). The `implicit` library
finds the neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from implicit.nearest_neighbours import ItemItemRecommender
from scipy.sparse import csr_matrix, diags
from sklearn.preprocessing import normalize

from models.recommend.recommender import Floats, Ids, Recommender

_TIE = 1e-6  # weight of the trend: it orders items without a watched neighbour behind all others


@dataclass(frozen=True)
class ItemKnnConfig:
    """Hyperparameters of item-based collaborative filtering."""

    neighbours: int = 200
    popularity_exponent: float = 0.2
    """Similarities to an item are multiplied by its squared length to this power. 0 is plain cosine, which favours rare items."""


class ItemKnn(Recommender):
    """score = profile @ S. S (items, items) is the cosine similarity of interactions, kept for the nearest neighbours only."""

    name = "item_knn"
    config_type = ItemKnnConfig
    config: ItemKnnConfig
    arrays = ("neighbours",)
    neighbours: csr_matrix
    """(items, items) rows: watched items; columns: scored items."""

    def _fit(self, interactions: csr_matrix, item_text: Sequence[str] | None) -> None:
        watched = np.flatnonzero(np.bincount(interactions.indices, minlength=interactions.shape[1]))
        finder = ItemItemRecommender(K=min(self.config.neighbours + 1, len(watched)))
        finder.fit(normalize(interactions[:, watched].astype(np.float64), axis=0).tocsr(), show_progress=False)
        similarities = finder.similarity.tocoo()  # row: item; column: its neighbour
        others = similarities.row != similarities.col
        rows, columns = watched[similarities.col[others]], watched[similarities.row[others]]
        shape = (interactions.shape[1], interactions.shape[1])
        cosines = csr_matrix((similarities.data[others].astype(np.float32), (rows, columns)), shape=shape)
        lengths = np.asarray(interactions.power(2).sum(axis=0)).ravel()
        weighted = csr_matrix(cosines @ diags(lengths**self.config.popularity_exponent))
        weighted.sort_indices()
        self.neighbours = weighted.astype(np.float32)

    def _score(self, profiles: csr_matrix) -> Floats:
        scores: Floats = (profiles @ self.neighbours).toarray()
        scores += _TIE * self.trend
        return scores

    def similarity(self, sources: Ids, targets: Ids) -> Floats:
        """Return the weights that the scores are computed from."""
        weights: Floats = self.neighbours[sources].toarray()[:, targets]
        return weights
