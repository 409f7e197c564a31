"""Synthetic impressions with a known click probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.ads.examples import Batch, Examples, Fields, Labels, Ragged

FIELDS = Fields(numeric=("visits", "price"), categorical=("place", "item"), multi_hot=("tags",))

_ITEMS, _PLACES, _TAGS = 12, 3, 5


@dataclass(frozen=True)
class Clicks:
    """Impressions, their labels and their true click probabilities."""

    examples: Examples
    labels: Labels
    probability: NDArray[np.float64]

    def batches(self, batch_size: int = 512, order: NDArray[np.intp] | None = None) -> list[Batch]:
        """Return the impressions in batches, in the given order."""
        rows = np.arange(len(self.labels)) if order is None else order
        parts = (rows[start : start + batch_size] for start in range(0, len(rows), batch_size))
        return [(take(self.examples, part), self.labels[part]) for part in parts]


def take(examples: Examples, rows: NDArray[np.intp]) -> Examples:
    """Return the given rows."""

    def lists(column: Ragged) -> Ragged:
        parts = [column.values[column.offsets[row] : column.offsets[row + 1]] for row in rows]
        lengths = np.array([len(part) for part in parts], dtype=np.int64)
        return Ragged(np.concatenate(parts), np.concatenate([[0], np.cumsum(lengths)]))

    return Examples(
        {name: column[rows] for name, column in examples.numeric.items()},
        {name: column[rows] for name, column in examples.categorical.items()},
        {name: lists(column) for name, column in examples.multi_hot.items()},
    )


def clicks(rows: int, seed: int) -> Clicks:
    """Return impressions: the effect of an item depends on the place, expensive ones are clicked less, 10 % lack a price."""
    rng = np.random.default_rng(seed)
    item, place = rng.integers(_ITEMS, size=rows), rng.integers(_PLACES, size=rows)
    price = rng.lognormal(3.0, 1.0, size=rows)
    tagged = rng.random((rows, _TAGS)) < 0.3
    appeal = np.linspace(-1.5, 1.5, _ITEMS)[item] * np.array([1.0, -1.0, 0.5])[place]
    logit = appeal - 0.6 * (np.log1p(price) - 3.0) + 0.8 * tagged[:, 0] - 0.5
    probability = expit(logit)
    return Clicks(
        Examples(
            {
                "price": np.where(rng.random(rows) < 0.1, np.nan, price),
                "visits": rng.poisson(3.0, size=rows).astype(np.float64),
            },
            {"item": np.char.add("i", item.astype(np.str_)), "place": np.char.add("p", place.astype(np.str_))},
            {
                "tags": Ragged(
                    np.char.add("t", np.nonzero(tagged)[1].astype(np.str_)),
                    np.concatenate([[0], np.cumsum(tagged.sum(axis=1))]),
                )
            },
        ),
        (rng.random(rows) < probability).astype(np.uint8),
        probability,
    )
