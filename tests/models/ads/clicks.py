"""Made-up impressions with a known click probability, for the tests of click models."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.ads.examples import Batch, Examples, Fields, Labels, Ragged

FIELDS = Fields(numeric=("visits", "price"), categorical=("place", "item"), multi_hot=("tags",))

_ITEMS, _PLACES, _TAGS = 12, 3, 5


@dataclass(frozen=True)
class Clicks:
    """Impressions, whether they were clicked, and with what probability they would be."""

    examples: Examples
    labels: Labels
    probability: NDArray[np.float64]

    def batches(self, size: int = 512, order: NDArray[np.intp] | None = None) -> list[Batch]:
        """The same impressions in batches, in the order given."""
        rows = np.arange(len(self.labels)) if order is None else order
        parts = (rows[start : start + size] for start in range(0, len(rows), size))
        return [(take(self.examples, part), self.labels[part]) for part in parts]


def take(examples: Examples, rows: NDArray[np.intp]) -> Examples:
    """Some of the rows."""

    def lists(column: Ragged) -> Ragged:
        parts = [column.values[column.offsets[row] : column.offsets[row + 1]] for row in rows]
        lengths = np.array([len(part) for part in parts], dtype=np.int64)
        return Ragged(np.concatenate(parts), np.concatenate([[0], np.cumsum(lengths)]))

    return Examples(
        {name: column[rows] for name, column in examples.numeric.items()},
        {name: column[rows] for name, column in examples.categorical.items()},
        {name: lists(column) for name, column in examples.multi_hot.items()},
    )


def clicks(rows: int, rng: int) -> Clicks:
    """Items differ in appeal, appeal differs by place, dear ones are clicked less; a tenth of the prices is missing."""
    random = np.random.default_rng(rng)
    item, place = random.integers(_ITEMS, size=rows), random.integers(_PLACES, size=rows)
    price = random.lognormal(3.0, 1.0, size=rows)
    tagged = random.random((rows, _TAGS)) < 0.3
    appeal = np.linspace(-1.5, 1.5, _ITEMS)[item] * np.array([1.0, -1.0, 0.5])[place]
    logit = appeal - 0.6 * (np.log1p(price) - 3.0) + 0.8 * tagged[:, 0] - 0.5
    probability = expit(logit)
    return Clicks(
        Examples(
            {
                "price": np.where(random.random(rows) < 0.1, np.nan, price),
                "visits": random.poisson(3.0, size=rows).astype(np.float64),
            },
            {"item": np.char.add("i", item.astype(np.str_)), "place": np.char.add("p", place.astype(np.str_))},
            {
                "tags": Ragged(
                    np.char.add("t", np.nonzero(tagged)[1].astype(np.str_)),
                    np.concatenate([[0], np.cumsum(tagged.sum(axis=1))]),
                )
            },
        ),
        (random.random(rows) < probability).astype(np.uint8),
        probability,
    )
