"""Baselines of click models: the overall click rate, and the click rate of each value of a field."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from models.ads.examples import Batch, Examples


class ClickRate:
    """Predict the click rate of each value of a field, smoothed towards the overall rate.

    Args:
        field: a categorical field, such as the item shown; None predicts the overall rate for every row.
        prior: number of impressions with the overall rate that are added to each value.
    """

    def __init__(self, field: str | None = None, prior: float = 20.0) -> None:
        self.field = field
        self.prior = prior
        self.overall = float("nan")
        self.rates: dict[str, float] = {}

    def fit(self, batches: Iterable[Batch]) -> "ClickRate":
        """Count impressions and clicks in one pass.

        Raises:
            ValueError: there is no row.
        """
        impressions: Counter[str] = Counter()
        clicks: Counter[str] = Counter()
        row_count = click_count = 0
        for examples, labels in batches:
            row_count += len(labels)
            click_count += int(labels.sum())
            if self.field is not None:
                values = examples.categorical[self.field]
                impressions.update(values.tolist())
                clicks.update(values[labels == 1].tolist())
        if not row_count:
            raise ValueError("no examples to fit a click rate on")
        self.overall = click_count / row_count
        self.rates = {
            value: (clicks[value] + self.prior * self.overall) / (count + self.prior)
            for value, count in impressions.items()
        }
        return self

    def predict_proba(self, examples: Examples) -> NDArray[np.float64]:
        """Return the click rates, shape (rows,)."""
        if self.field is None:
            return np.full(len(examples), self.overall)
        values = examples.categorical[self.field]
        return np.array([self.rates.get(value, self.overall) for value in values.tolist()], dtype=np.float64)
