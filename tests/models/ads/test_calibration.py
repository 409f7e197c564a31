"""Platt scaling."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from models.ads import metrics
from models.ads.calibration import PlattScaling


@settings(deadline=None, max_examples=25)
@given(st.floats(0.3, 3.0), st.floats(-2.0, 2.0), st.integers(0, 2**32))
def test_expected_clicks_equal_observed_clicks_and_the_ranking_does_not_change(
    slope: float, shift: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=1500)
    labels = (rng.random(1500) < expit(slope * logits + shift)).astype(np.uint8)
    assume(labels.min() < labels.max())
    calibrated = PlattScaling.fit(logits, labels).apply(logits)
    assert calibrated.sum() == pytest.approx(labels.sum(), rel=1e-4)
    assert metrics.auc(labels, calibrated) == pytest.approx(metrics.auc(labels, logits))
    assert metrics.log_loss(labels, calibrated) <= metrics.log_loss(labels, expit(logits)) + 1e-9


def test_corrects_a_known_distortion() -> None:
    rng = np.random.default_rng(0)
    truth = rng.beta(1, 9, size=100_000)
    labels = (rng.random(100_000) < truth).astype(np.uint8)
    distorted = 2.5 * logit(truth) - 1.0
    scaling = PlattScaling.fit(distorted, labels)
    assert (scaling.slope, scaling.intercept) == pytest.approx((0.4, 0.4), abs=0.05)


def _days(rates: list[float], distortion: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return logits, labels and days: the odds of a click are multiplied by the day's rate, the logits by the distortion."""
    rng = np.random.default_rng(0)
    days = np.repeat(np.arange(len(rates)), 3000)
    truth = rng.normal(-2, 0.5, size=len(days))
    labels = (rng.random(len(days)) < expit(truth + np.log(rates)[days])).astype(np.uint8)
    return distortion * truth, labels, days


def test_a_distortion_of_all_days_is_corrected() -> None:
    logits, labels, days = _days([1.0, 1.1, 0.9, 1.0, 1.05, 0.95], distortion=2.0)
    assert PlattScaling.fit_if_it_helps(logits, labels, days) == PlattScaling.fit(logits, labels)


def test_one_unusual_day_is_not_learned() -> None:
    logits, labels, days = _days([1.0, 1.0, 1.0, 0.5], distortion=1.0)
    assert PlattScaling.fit(logits, labels).intercept < -0.1
    assert PlattScaling.fit_if_it_helps(logits, labels, days) == PlattScaling()


def test_one_day_is_scaled() -> None:
    logits, labels, days = _days([1.0], distortion=2.0)
    assert PlattScaling.fit_if_it_helps(logits, labels, days) == PlattScaling.fit(logits, labels)


def test_a_day_without_clicks_says_nothing_about_others() -> None:
    assert PlattScaling.fit_if_it_helps(*_days([1.0, 1e-9], distortion=2.0)) == PlattScaling()


def test_the_slope_is_positive_even_if_scores_are_worse_than_random() -> None:
    logits = np.linspace(-2, 2, 100)
    scaling = PlattScaling.fit(logits, (logits < 0).astype(np.uint8))
    assert scaling.slope > 0


def test_the_default_is_the_identity() -> None:
    logits = np.array([-3.0, 0.0, 2.0])
    np.testing.assert_allclose(PlattScaling().apply(logits), expit(logits))


@pytest.mark.parametrize("label", [0, 1])
def test_rejects_examples_of_one_class(label: int) -> None:
    with pytest.raises(ValueError, match=f"needs clicks and non-clicks, got 3 examples labelled {label}"):
        PlattScaling.fit(np.array([0.1, 0.2, 0.3]), np.full(3, label))
