"""Trains and evaluates recommenders in this process."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.recommend.catalogue import Catalogue, positions
from jobs.recommend.interactions import Interactions
from models.recommend.evaluation import Evaluation, evaluate
from models.recommend.recommender import Recommender


@dataclass(frozen=True)
class InMemory:
    """See `TrainingData`."""

    known: Interactions
    videos: Catalogue

    @property
    def params(self) -> dict[str, object]:
        """How models are fitted, for MLflow."""
        return {"trained_in": "memory"}

    def sizes(self) -> dict[str, int]:
        """Return the number of users and of pairs."""
        return {"users": len(self.known.user_ids), "pairs": self.known.after.watched.nnz}

    def fit(self, kind: type[Recommender], *, before: bool = False) -> Recommender:
        """Fit a model of any kind."""
        known = self.known.before if before else self.known.after
        return kind().fit(known.signal(kind), self.videos.text)

    def evaluate(self, model: Recommender, video_ids: NDArray[np.int64]) -> Evaluation | None:
        """Evaluate a model on the night."""
        before, columns = self.known.before, positions(self.videos.video_ids, video_ids)
        return evaluate(model, before.strength, before.watched, self.known.targets, columns)
