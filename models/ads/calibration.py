"""Calibration of predicted probabilities by Platt scaling.

Platt scaling (Platt, 1999, "Probabilistic outputs for support vector machines") is a logistic regression with one input, the
model's logit. Reasons to prefer it to isotonic regression: it has two parameters, so the few thousand held-out clicks of a
night are enough, where isotonic regression overfits (Niculescu-Mizil & Caruana, 2005, "Predicting good probabilities with
supervised learning"); it is strictly increasing, so AUC and GAUC do not change and no two scores become equal; and at the
maximum of its likelihood the expected clicks equal the observed clicks.

A model is scaled only if that helps on other days: click rates differ from day to day, and a scaling that has learned the rate of
an unusual afternoon makes all later nights worse.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from models.ads.metrics import log_loss

_SMALLEST_SLOPE = 1e-3


@dataclass(frozen=True)
class PlattScaling:
    """``expit(slope * logit + intercept)`` with a positive slope; the default is the identity."""

    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def fit(cls, logits: NDArray[np.floating], labels: NDArray[np.integer]) -> "PlattScaling":
        """Fit by maximum likelihood, on examples that the model was not trained on.

        Args:
            logits: shape (rows,).
            labels: shape (rows,), 0 or 1.

        Raises:
            ValueError: all labels are equal, so that no finite intercept exists.
        """
        if labels.min() == labels.max():
            raise ValueError(
                f"calibration needs clicks and non-clicks, got {len(labels)} examples labelled {labels[0]}"
            )
        x, y = logits.astype(np.float64), labels.astype(np.float64)

        def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            z = parameters[0] * x + parameters[1]
            error = expit(z) - y
            return float(np.mean(np.logaddexp(0.0, z) - y * z)), np.array([np.mean(error * x), np.mean(error)])

        bounds = [(_SMALLEST_SLOPE, None), (None, None)]
        result = minimize(
            loss,
            np.array([1.0, 0.0]),
            jac=True,
            bounds=bounds,
            method="L-BFGS-B",
            options={"ftol": 1e-15, "gtol": 1e-10},
        )
        return cls(float(result.x[0]), float(result.x[1]))

    @classmethod
    def fit_if_it_helps(
        cls, logits: NDArray[np.floating], labels: NDArray[np.integer], days: NDArray[np.integer]
    ) -> "PlattScaling":
        """Fit on all days, or return the identity if scaling does not help on days that it was not fitted on.

        For each day, a scaling is fitted on the other days. They help if they lower the log-loss of a day, on average, by more
        than the standard error over the days. With one day nothing speaks against scaling.

        Args:
            logits: shape (rows,), of examples that the model was not trained on.
            labels: shape (rows,), 0 or 1.
            days: shape (rows,), the number of each example's day.
        """
        distinct_days = np.unique(days)
        if len(distinct_days) == 1:
            return cls.fit(logits, labels)
        gains = []
        for day in distinct_days:
            is_other = days != day
            if len(np.unique(labels[is_other])) < 2:
                return cls()
            scaling = cls.fit(logits[is_other], labels[is_other])
            day_logits, day_labels = logits[~is_other], labels[~is_other]
            gains.append(
                log_loss(day_labels, cls().apply(day_logits)) - log_loss(day_labels, scaling.apply(day_logits))
            )
        standard_error = np.std(gains, ddof=1) / np.sqrt(len(gains))
        return cls.fit(logits, labels) if np.mean(gains) > standard_error else cls()

    def apply(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return calibrated probabilities, shape (rows,)."""
        return np.asarray(expit(self.slope * logits.astype(np.float64) + self.intercept))
