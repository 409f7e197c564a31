"""The metrics are compared with plain implementations of their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from models.ads import metrics

# Few distinct scores, so that there are many ties.
scores = st.sampled_from([0.05, 0.2, 0.2000001, 0.5, 0.8])
impressions = st.lists(st.tuples(st.integers(0, 1), scores, st.integers(0, 3)), min_size=1, max_size=60)
Rows = list[tuple[int, float, int]]


def arrays(rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels, probabilities, groups = zip(*rows, strict=True)
    return np.array(labels, dtype=np.uint8), np.array(probabilities), np.array(groups)


def pairwise_auc(rows: Rows) -> float | None:
    """Return the share of (click, non-click) pairs in the right order; a tie counts half."""
    pairs = [(click, miss) for label, click, _ in rows if label for other, miss, _ in rows if not other]
    return sum((click > miss) + 0.5 * (click == miss) for click, miss in pairs) / len(pairs) if pairs else None


@given(impressions)
def test_auc_is_the_share_of_ordered_pairs(rows: Rows) -> None:
    labels, probabilities, _ = arrays(rows)
    expected = pairwise_auc(rows)
    assert metrics.auc(labels, probabilities) == pytest.approx(
        float("nan") if expected is None else expected, nan_ok=True
    )


@given(impressions)
def test_gauc_is_the_mean_of_users_aucs_by_impressions(rows: Rows) -> None:
    total = weight = 0.0
    for user in {user for _, _, user in rows}:
        user_rows = [row for row in rows if row[2] == user]
        if (area := pairwise_auc(user_rows)) is not None:
            total += area * len(user_rows)
            weight += len(user_rows)
    expected = total / weight if weight else float("nan")
    assert metrics.gauc(*arrays(rows)) == pytest.approx(expected, nan_ok=True)


@given(impressions, st.integers(0, 2**32))
def test_gauc_does_not_depend_on_user_names_order_or_scale_of_a_user_s_scores(rows: Rows, seed: int) -> None:
    labels, probabilities, users = arrays(rows)
    order = np.random.default_rng(seed).permutation(len(rows))
    names = np.array(["d", "b", "a", "c"])[users]
    shifted = probabilities * np.array([0.1, 1.0, 0.5, 0.7])[users]
    assert metrics.gauc(labels[order], shifted[order], names[order]) == pytest.approx(
        metrics.gauc(labels, probabilities, users), nan_ok=True
    )


@given(impressions)
def test_log_loss_is_sklearns(rows: Rows) -> None:
    labels, probabilities, _ = arrays(rows)
    expected = sklearn_metrics.log_loss(labels, probabilities, labels=[0, 1])
    assert metrics.log_loss(labels, probabilities) == pytest.approx(expected)


def test_log_loss_of_wrong_predictions_of_0_and_1_is_finite() -> None:
    assert metrics.log_loss(np.array([0, 1]), np.array([1.0, 0.0])) == pytest.approx(-np.log(1e-7), rel=1e-3)


@given(impressions)
def test_calibration_by_field_adds_up_to_the_total(rows: Rows) -> None:
    labels, probabilities, groups = arrays(rows)
    parts = metrics.calibration_by(labels, probabilities, groups)
    assert [part.impressions for part in parts] == sorted((part.impressions for part in parts), reverse=True)
    for part in parts:
        group = [row for row in rows if row[2] == int(part.value)]
        assert (part.impressions, part.observed) == (len(group), sum(label for label, _, _ in group))
        assert part.expected == pytest.approx(sum(p for _, p, _ in group))
    clicks = sum(part.observed for part in parts)
    total = sum(part.expected for part in parts) / clicks if clicks else float("inf")
    assert metrics.calibration(labels, probabilities) == pytest.approx(total)
    if clicks:
        error = metrics.field_calibration_error(labels, probabilities, groups)
        assert error == pytest.approx(sum(abs(part.expected - part.observed) for part in parts) / clicks)
        assert error >= abs(total - 1) - 1e-12  # errors of parts can cancel in the total


def test_calibration_is_infinite_without_clicks() -> None:
    no_clicks, half = np.zeros(3, dtype=np.uint8), np.full(3, 0.5)
    assert metrics.calibration(no_clicks, half) == float("inf")
    assert metrics.field_calibration_error(no_clicks, half, np.arange(3)) == float("inf")


@given(impressions, st.integers(1, 12))
def test_calibration_error_is_the_mean_gap_of_equal_bins(rows: Rows, bins: int) -> None:
    labels, probabilities, _ = arrays(rows)
    ranked = sorted(range(len(rows)), key=lambda row: rows[row][1])
    bin_count = min(bins, len(rows))
    base, larger = divmod(len(rows), bin_count)
    sizes = [base + (number < larger) for number in range(bin_count)]
    expected, start = 0.0, 0
    for size in sizes:
        part = ranked[start : start + size]
        expected += abs(sum(rows[row][1] for row in part) - sum(rows[row][0] for row in part))
        start += size
    assert metrics.expected_calibration_error(labels, probabilities, bins) == pytest.approx(expected / len(rows))
    assert metrics.reliability(labels, probabilities, bins)[2].tolist() == sizes


@given(impressions)
def test_predicting_the_labels_is_perfect(rows: Rows) -> None:
    labels, _, users = arrays(rows)
    values = metrics.click_metrics(labels, labels.astype(np.float64), users)
    assert values["ece"] == 0
    assert values["log_loss"] < 1e-6
    assert np.isnan(values["auc"]) or values["auc"] == 1
    assert np.isnan(values["gauc"]) or values["gauc"] == 1
