"""Content-based filtering: what describes the items a user watched is compared with what describes the others.

Counted tokens of title and tags → truncated SVD (latent semantic analysis, Deerwester et al. 1990) → cosine to the mean of the
watched items' vectors, weighted by strength.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer

from models.recommend.item_factors import unit_rows
from models.recommend.recommender import Floats, Ids, NothingToLearn, Recommender
from models.recommend.tokens import tokens


@dataclass(frozen=True)
class ContentBasedConfig:
    """Hyperparameters of content-based filtering."""

    components: int = 50
    trend_weight: float = 0.2
    """What the most watched item gains over one that nobody watches: many items have the very same words."""
    seed: int = 20220501


class ContentBased(Recommender):
    """score = cosine of profile and item among words, plus a little of the trend. Items need no interactions."""

    name = "content_based"
    config_type = ContentBasedConfig
    config: ContentBasedConfig
    arrays = ("vectors",)
    vectors: Floats
    """(items, components) of length 1, or 0 where an item has no word that others have."""

    def _fit(self, interactions: csr_matrix, item_text: Sequence[str] | None) -> None:
        if item_text is None or len(item_text) != interactions.shape[1]:
            raise ValueError(f"{self.name} needs the words of each of the {interactions.shape[1]} items")
        vectorizer = CountVectorizer(analyzer=tokens)
        try:
            counts = vectorizer.fit_transform(item_text).astype(np.float32)
        except ValueError:  # scikit-learn's "empty vocabulary"
            raise NothingToLearn("no video has a word in its title or tags") from None
        components = min(self.config.components, *counts.shape)
        if counts.shape[1] == 1:  # one word in all: there is nothing to compress, and scikit-learn refuses to
            self.vectors = unit_rows(counts.toarray())
        else:
            svd = TruncatedSVD(components, random_state=self.config.seed)
            self.vectors = unit_rows(svd.fit_transform(counts))

    def _score(self, profiles: csr_matrix) -> Floats:
        scores: Floats = unit_rows(profiles @ self.vectors) @ self.vectors.T
        scores += self.config.trend_weight * self.trend
        return scores

    def similarity(self, sources: Ids, targets: Ids) -> Floats:
        """Cosine between the items' words."""
        closeness: Floats = self.vectors[sources] @ self.vectors[targets].T
        return closeness
