"""The contract of all recommenders: fit, recommend, similar, save, load.

A model is made of items only. A user is a row of strengths, handed over whenever something is to be recommended, so a model
serves users who came after its training as well, and no file of a model holds anybody's behaviour.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from models.recommend.ranking import top_k
from models.recommend.storage import read_state, write_state
from models.recommend.trend import trend

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

_NO_INTERACTION = {
    "strength": "nobody's behaviour speaks for a video",
    "recent": "nobody has long viewed a video of late",
}
_USERS_AT_ONCE = 2048  # scores of 2,048 users over 10,000 items take 80 MB


class NothingToLearn(ValueError):
    """There is nothing that a model could be fitted on; says what there is not."""


class Recommender(ABC):
    """What every recommender does. Users are rows and items are columns, by position."""

    name: ClassVar[str]
    """Name in the registry and in saved files."""
    config_type: ClassVar[Any]
    """Dataclass of the hyperparameters; its defaults are tuned."""
    arrays: ClassVar[tuple[str, ...]]
    """Attributes, dense arrays or csr matrices, that fitting sets and saving keeps."""
    personal: ClassVar[bool] = True
    """Whether different users get different items."""
    signal: ClassVar[Literal["strength", "recent"]] = "strength"
    """What to fit it on: strengths, or 1 where a video was long viewed within the last days. Profiles are strengths always."""

    trend: Floats
    """(items,) how much each item is watched of late, at most 1: what a user without interactions is given."""

    def __init__(self, config: Any = None) -> None:
        self.config = self.config_type() if config is None else config

    def fit(self, interactions: csr_matrix, item_text: Sequence[str] | None = None) -> Self:
        """Learn from interactions.

        Args:
            interactions: (users, items) strengths; what is not positive counts as no interaction.
            item_text: (items,) words that describe each item; only content-based models use them.

        Raises:
            NothingToLearn: no interaction is positive, or what else this model learns from is not there.
            ValueError: a strength is not finite.
        """
        checked = _positive(interactions)
        if checked.nnz == 0:
            raise NothingToLearn(_NO_INTERACTION[self.signal])
        self.trend = trend(checked)
        self._fit(checked, item_text)
        return self

    def recommend(
        self,
        profiles: csr_matrix,
        k: int,
        exclude: csr_matrix | None = None,
        candidates: npt.NDArray[np.bool_] | None = None,
    ) -> tuple[Ids, Floats]:
        """The k best items of each user, best first.

        Args:
            profiles: (users, items) strengths of what each user did; an empty row is given the trend.
            k: how many items; no more than there are.
            exclude: (users, items) whose stored entries are never recommended; the profiles themselves where None.
            candidates: (items,) whether an item may be recommended; all where None.

        Returns:
            ids (users, min(k, items)) and scores of the same shape; where a user has too few items left, the end of the row
            is id -1 and score -inf. Scores of different models cannot be compared.

        Raises:
            ValueError: a shape does not fit the items that the model was fitted on.
        """
        exclude = profiles if exclude is None else exclude
        self._check_shapes(profiles, exclude, candidates)
        known = _positive(profiles)
        ids = np.empty((profiles.shape[0], min(k, self.items)), dtype=np.int64)
        scores = np.empty(ids.shape, dtype=np.float32)
        for start in range(0, profiles.shape[0], _USERS_AT_ONCE):
            rows = slice(start, start + _USERS_AT_ONCE)
            ids[rows], scores[rows] = top_k(self._masked_scores(known[rows], exclude[rows], candidates), k)
        return ids, scores

    def similar(self, item: int, k: int) -> tuple[Ids, Floats]:
        """The k items closest to one, itself left out: ids (min(k, items - 1),) and similarities, best first."""
        closeness = self.similarity(np.array([item]), np.arange(self.items)).astype(np.float32)
        closeness[0, item] = -np.inf
        ids, scores = top_k(closeness, min(k, self.items - 1))
        return ids[0], scores[0]

    @property
    def items(self) -> int:
        """How many items the model was fitted on."""
        return len(self.trend)

    @abstractmethod
    def similarity(self, sources: Ids, targets: Ids) -> Floats:
        """(sources, targets) how much having watched a source speaks for a target."""

    @abstractmethod
    def _fit(self, interactions: csr_matrix, item_text: Sequence[str] | None) -> None:
        """Set the attributes named in `arrays`."""

    @abstractmethod
    def _score(self, profiles: csr_matrix) -> Floats:
        """(users, items) scores, a new array; every profile row has entries."""

    def save(self, directory: Path) -> None:
        """Write model.json and arrays.npz to an existing directory; the same model gives the same bytes."""
        arrays = {name: getattr(self, name) for name in ("trend", *self.arrays)}
        write_state(directory, self.name, self.config, arrays)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """The model saved in a directory.

        Raises:
            ValueError: what lies there is another model, or none.
        """
        name, config, arrays = read_state(directory)
        if name != cls.name:
            raise ValueError(f"{directory} holds a model of kind {name}, not {cls.name}")
        model = cls(cls.config_type(**config))
        for attribute, array in arrays.items():
            setattr(model, attribute, array)
        return model

    def _masked_scores(
        self, profiles: csr_matrix, exclude: csr_matrix, candidates: npt.NDArray[np.bool_] | None
    ) -> Floats:
        warm = np.diff(profiles.indptr) > 0
        scores = np.empty(profiles.shape, dtype=np.float32)
        scores[~warm] = self.trend
        if warm.any():
            scores[warm] = self._score(profiles[warm])
        rows = np.repeat(np.arange(exclude.shape[0]), np.diff(exclude.indptr))
        scores[rows, exclude.indices] = -np.inf
        if candidates is not None:
            scores[:, ~candidates] = -np.inf
        return scores

    def _check_shapes(
        self, profiles: csr_matrix, exclude: csr_matrix, candidates: npt.NDArray[np.bool_] | None
    ) -> None:
        if profiles.shape[1] != self.items:
            raise ValueError(f"profiles have {profiles.shape[1]} items, {self.name} was fitted on {self.items}")
        if exclude.shape != profiles.shape:
            raise ValueError(f"exclude has shape {exclude.shape}, profiles have {profiles.shape}")
        if candidates is not None and candidates.shape != (self.items,):
            raise ValueError(f"candidates have shape {candidates.shape}, not ({self.items},)")


def _positive(interactions: csr_matrix) -> csr_matrix:
    """A float32 copy in canonical form without entries that are not positive."""
    checked = csr_matrix(interactions, dtype=np.float32, copy=True)
    checked.sum_duplicates()
    if not np.isfinite(checked.data).all():
        raise ValueError("a strength is not finite; every strength must be a number")
    checked.data[checked.data < 0] = 0
    checked.eliminate_zeros()
    return checked
