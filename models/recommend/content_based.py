"""Content-based filtering: recommends items whose text is similar to the text of the items that a user watched.

Token counts of title and tags → truncated SVD (latent semantic analysis, Deerwester et al. 1990) → cosine similarity to the
mean of the watched items' vectors, weighted by strength.
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

    embedding_size: int = 50
    trend_weight: float = 0.2
    """Score added to the most watched item. It breaks ties: many items have exactly the same words."""
    seed: int = 20220501


class ContentBased(Recommender):
    """score = cosine similarity of profile and item + trend_weight * trend. Also scores items without interactions."""

    name = "content_based"
    config_type = ContentBasedConfig
    config: ContentBasedConfig
    arrays = ("vectors",)
    vectors: Floats
    """(items, embedding_size) rows of length 1, or 0 for an item that shares no word with others."""

    def _fit(self, interactions: csr_matrix, item_text: Sequence[str] | None) -> None:
        if item_text is None or len(item_text) != interactions.shape[1]:
            raise ValueError(
                f"{self.name} needs item_text with one entry for each of the {interactions.shape[1]} items"
            )
        vectorizer = CountVectorizer(analyzer=tokens)
        try:
            counts = vectorizer.fit_transform(item_text).astype(np.float32)
        except ValueError:  # scikit-learn's "empty vocabulary"
            raise NothingToLearn("no video has a word in its title or tags") from None
        embedding_size = min(self.config.embedding_size, *counts.shape)
        if counts.shape[1] == 1:  # one distinct word: TruncatedSVD requires at least two columns
            self.vectors = unit_rows(counts.toarray())
        else:
            svd = TruncatedSVD(embedding_size, random_state=self.config.seed)
            self.vectors = unit_rows(svd.fit_transform(counts))

    def _score(self, profiles: csr_matrix) -> Floats:
        scores: Floats = unit_rows(profiles @ self.vectors) @ self.vectors.T
        scores += self.config.trend_weight * self.trend
        return scores

    def similarity(self, sources: Ids, targets: Ids) -> Floats:
        """Return the cosine similarity of the item vectors."""
        similarities: Floats = self.vectors[sources] @ self.vectors[targets].T
        return similarities
