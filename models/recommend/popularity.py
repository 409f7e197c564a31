"""Popularity of the last days: the same items for everybody, except those already watched."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from models.recommend.recommender import Floats, Ids, Recommender


@dataclass(frozen=True)
class PopularityConfig:
    """Popularity has no hyperparameters: its input decides which interactions count as recent."""


class Popularity(Recommender):
    """score = trend of the item. The model has no other parameters."""

    name = "popularity"
    config_type = PopularityConfig
    config: PopularityConfig
    arrays = ()
    personal = False
    signal = "recent"  # on KuaiRand a quarter better than "strength"

    def _fit(self, interactions: csr_matrix, item_text: Sequence[str] | None) -> None:
        pass  # `fit` already computed the trend

    def _score(self, profiles: csr_matrix) -> Floats:
        return np.tile(self.trend, (profiles.shape[0], 1))

    def similarity(self, sources: Ids, targets: Ids) -> Floats:
        """Return the trend of the targets; it does not depend on the source."""
        return np.tile(self.trend[targets], (len(sources), 1))
