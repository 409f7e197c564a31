"""Making predicted probabilities mean what they say.

Platt scaling (Platt, 1999, "Probabilistic outputs for support vector machines"): a logistic regression with one input, the
model's logit. Isotonic regression was the other choice. Platt's map has two parameters, so the few thousand held-out clicks
of a night are enough, where isotonic regression overfits (Niculescu-Mizil & Caruana, 2005, "Predicting good probabilities
with supervised learning"); it is strictly increasing, so AUC and GAUC stay what they were and no two scores become equal; and
the maximum of its likelihood is where the expected clicks equal the observed ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

_SMALLEST_SLOPE = 1e-3


@dataclass(frozen=True)
class PlattScaling:
    """``expit(slope * logit + intercept)`` with a positive slope; the default changes nothing."""

    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def fit(cls, logits: NDArray[np.floating], labels: NDArray[np.integer]) -> "PlattScaling":
        """Maximum likelihood on examples the model was not trained on.

        Args:
            logits: shape (rows,).
            labels: shape (rows,), 0 or 1.

        Raises:
            ValueError: when all labels are equal, since no finite intercept exists then.
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
        found = minimize(
            loss,
            np.array([1.0, 0.0]),
            jac=True,
            bounds=bounds,
            method="L-BFGS-B",
            options={"ftol": 1e-15, "gtol": 1e-10},
        )
        return cls(float(found.x[0]), float(found.x[1]))

    def apply(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probabilities, shape (rows,)."""
        return np.asarray(expit(self.slope * logits.astype(np.float64) + self.intercept))
