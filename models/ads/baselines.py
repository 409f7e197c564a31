"""What a click model must beat: guessing the overall click rate, or each item's own."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from models.ads.examples import Batch, Examples


class ClickRate:
    """Predicts the click rate of each value of a field, drawn towards the overall rate where a value was seen little.

    Args:
        field: a categorical field, such as the item shown; None predicts the overall rate for everything.
        prior: impressions' worth of the overall rate that each value is given.
    """

    def __init__(self, field: str | None = None, prior: float = 20.0) -> None:
        self.field = field
        self.prior = prior
        self.overall = float("nan")
        self.rates: dict[str, float] = {}

    def fit(self, batches: Iterable[Batch]) -> "ClickRate":
        """Counts impressions and clicks in one pass.

        Raises:
            ValueError: when there is no row.
        """
        impressions: Counter[str] = Counter()
        clicks: Counter[str] = Counter()
        rows = clicked = 0
        for examples, labels in batches:
            rows += len(labels)
            clicked += int(labels.sum())
            if self.field is not None:
                values = examples.categorical[self.field]
                impressions.update(values.tolist())
                clicks.update(values[labels == 1].tolist())
        if not rows:
            raise ValueError("no example to learn a click rate from")
        self.overall = clicked / rows
        self.rates = {
            value: (clicks[value] + self.prior * self.overall) / (seen + self.prior)
            for value, seen in impressions.items()
        }
        return self

    def predict_proba(self, examples: Examples) -> NDArray[np.float64]:
        """Click rates, shape (rows,)."""
        if self.field is None:
            return np.full(len(examples), self.overall)
        values = examples.categorical[self.field]
        return np.array([self.rates.get(value, self.overall) for value in values.tolist()], dtype=np.float64)
