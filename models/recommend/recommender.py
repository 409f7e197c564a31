"""Interface of all recommenders: fit, recommend, similar, save, load.

A model stores parameters of items only. A user is a row of strengths, passed to every call of `recommend`. So a model also
serves users who joined after its training, and saved models contain no user's behaviour.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from models.recommend.ranking import top_k
from models.recommend.storage import read_state, write_state
from models.recommend.trend import trend

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

_NO_INTERACTION = {
    "strength": "no interaction has a positive strength",
    "recent": "no video had a long view in the last days",
}
_BATCH_USERS, _BATCH_SCORES = 2048, 100_000_000  # at most 400 MB


class NothingToLearn(ValueError):
    """The training data is empty for this model; the message says what is missing."""


class Recommender(ABC):
    """Base class of recommenders. Users are rows and items are columns, by position."""

    name: ClassVar[str]
    """Name in the registry and in saved files."""
    config_type: ClassVar[Any]
    """Dataclass of the hyperparameters, with tuned defaults."""
    arrays: ClassVar[tuple[str, ...]]
    """Attributes (dense arrays or CSR matrices) that `fit` sets and `save` writes."""
    personal: ClassVar[bool] = True
    """True if different users get different items."""
    signal: ClassVar[Literal["strength", "recent"]] = "strength"
    """Input of `fit`: strengths, or 1 for a long view in the last days. Profiles are always strengths."""

    trend: Floats
    """(items,) recent popularity of each item, at most 1: the scores for a user without interactions."""

    def __init__(self, config: Any = None) -> None:
        self.config = self.config_type() if config is None else config

    def fit(self, interactions: csr_matrix, item_text: Sequence[str] | None = None) -> Self:
        """Fit the model.

        Args:
            interactions: (users, items) strengths; values that are not positive count as no interaction.
            item_text: (items,) text of each item; only content-based models use it.

        Raises:
            NothingToLearn: no interaction is positive, or another input that this model needs is empty.
            ValueError: a strength is not finite.
        """
        positive = _positive(interactions)
        if positive.nnz == 0:
            raise NothingToLearn(_NO_INTERACTION[self.signal])
        self.trend = trend(positive)
        self._fit(positive, item_text)
        return self

    def recommend(
        self,
        profiles: csr_matrix,
        k: int,
        exclude: csr_matrix | None = None,
        candidates: NDArray[np.bool_] | None = None,
    ) -> tuple[Ids, Floats]:
        """Return the k best items of each user, best first.

        Args:
            profiles: (users, items) strengths of each user's interactions; a user with an empty row gets the trend.
            k: number of items; limited to the number of items of the model.
            exclude: (users, items) stored entries are never recommended; default: the profiles.
            candidates: (items,) True if the item may be recommended; default: all items.

        Returns:
            ids (users, min(k, items)) and scores of the same shape. If too few items are left for a user, the row ends with
            id -1 and score -inf. Scores of different models cannot be compared.

        Raises:
            ValueError: a shape does not match the items that the model was fitted on.
        """
        exclude = profiles if exclude is None else exclude
        self._check_shapes(profiles, exclude, candidates)
        positive = _positive(profiles)
        ids = np.empty((profiles.shape[0], min(k, self.items)), dtype=np.int64)
        scores = np.empty(ids.shape, dtype=np.float32)
        batch_users = max(1, min(_BATCH_USERS, _BATCH_SCORES // self.items))
        for start in range(0, profiles.shape[0], batch_users):
            rows = slice(start, start + batch_users)
            ids[rows], scores[rows] = top_k(self._masked_scores(positive[rows], exclude[rows], candidates), k)
        return ids, scores

    def similar(self, item: int, k: int) -> tuple[Ids, Floats]:
        """Return the k items most similar to an item, without itself: ids (min(k, items - 1),) and similarities, best first."""
        similarities = self.similarity(np.array([item]), np.arange(self.items)).astype(np.float32)
        similarities[0, item] = -np.inf
        ids, scores = top_k(similarities, min(k, self.items - 1))
        return ids[0], scores[0]

    @property
    def items(self) -> int:
        """Number of items that the model was fitted on."""
        return len(self.trend)

    @abstractmethod
    def similarity(self, sources: Ids, targets: Ids) -> Floats:
        """Return (sources, targets): how much a view of the source raises the score of the target."""

    @abstractmethod
    def _fit(self, interactions: csr_matrix, item_text: Sequence[str] | None) -> None:
        """Set the attributes named in `arrays`; interactions are positive."""

    @abstractmethod
    def _score(self, profiles: csr_matrix) -> Floats:
        """Return scores (users, items) in a new array; every row of `profiles` has entries."""

    def save(self, directory: Path) -> None:
        """Write model.json and arrays.npz into an existing directory; the same model gives the same bytes."""
        arrays = {name: getattr(self, name) for name in ("trend", *self.arrays)}
        write_state(directory, self.name, self.config, arrays)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load the model saved in a directory.

        Raises:
            ValueError: the directory contains another kind of model, or no complete model.
        """
        name, config, arrays = read_state(directory)
        if name != cls.name:
            raise ValueError(f"{directory} contains a model of kind {name}, not {cls.name}")
        model = cls(cls.config_type(**config))
        for attribute, array in arrays.items():
            setattr(model, attribute, array)
        return model

    def _masked_scores(self, profiles: csr_matrix, exclude: csr_matrix, candidates: NDArray[np.bool_] | None) -> Floats:
        has_profile = np.diff(profiles.indptr) > 0
        scores = np.empty(profiles.shape, dtype=np.float32)
        scores[~has_profile] = self.trend
        if has_profile.any():
            scores[has_profile] = self._score(profiles[has_profile])
        rows = np.repeat(np.arange(exclude.shape[0]), np.diff(exclude.indptr))
        scores[rows, exclude.indices] = -np.inf
        if candidates is not None:
            scores[:, ~candidates] = -np.inf
        return scores

    def _check_shapes(self, profiles: csr_matrix, exclude: csr_matrix, candidates: NDArray[np.bool_] | None) -> None:
        if profiles.shape[1] != self.items:
            raise ValueError(f"profiles have {profiles.shape[1]} items, {self.name} was fitted on {self.items}")
        if exclude.shape != profiles.shape:
            raise ValueError(f"exclude has shape {exclude.shape}, profiles have {profiles.shape}")
        if candidates is not None and candidates.shape != (self.items,):
            raise ValueError(f"candidates have shape {candidates.shape}, not ({self.items},)")


def _positive(interactions: csr_matrix) -> csr_matrix:
    """Return a float32 copy in canonical form that has only the positive entries."""
    positive = csr_matrix(interactions, dtype=np.float32, copy=True)
    positive.sum_duplicates()
    if not np.isfinite(positive.data).all():
        raise ValueError("a strength is not finite; all strengths must be finite numbers")
    positive.data[positive.data < 0] = 0
    positive.eliminate_zeros()
    return positive
