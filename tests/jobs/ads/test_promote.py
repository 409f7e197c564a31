"""The promotion rule of click models."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.ads.promote import AUC_TOLERANCE, CALIBRATION_BAND, Metrics, verdict
from jobs.platform.decisions import LABELS, MODEL, Decision

MADE_AT = dt.datetime(2022, 5, 3, tzinfo=dt.UTC)
STAYS = Decision(dt.date(2022, 5, 2), MODEL, "click_model", "anna", "an experiment runs", MADE_AT)
LABELS_COMPLETE = Decision(dt.date(2022, 5, 2), LABELS, "click_model", "anna", "the button has moved", MADE_AT)
GOOD: Metrics = {"log_loss": 0.5, "auc": 0.7, "calibration": 1.0}

judged = st.fixed_dictionaries(
    {"log_loss": st.floats(0.1, 1.0), "auc": st.floats(0.4, 1.0), "calibration": st.floats(0.5, 1.5)}
)
candidates = st.dictionaries(st.sampled_from(["a", "b", "c"]), judged, min_size=1)


def calibrated(metrics: Metrics) -> bool:
    return CALIBRATION_BAND[0] <= metrics["calibration"] <= CALIBRATION_BAND[1]


@given(candidates, judged)
def test_only_a_calibrated_candidate_with_lower_loss_and_no_worse_ranking_replaces_the_champion(
    new: dict[str, Metrics], old: Metrics
) -> None:
    promoted = verdict(new, ("champion", old)).promoted
    calibrated_versions = [version for version in new if calibrated(new[version])]
    best = min(calibrated_versions, key=lambda version: (new[version]["log_loss"], version), default=None)
    wins = (
        best is not None and new[best]["log_loss"] < old["log_loss"] and new[best]["auc"] >= old["auc"] - AUC_TOLERANCE
    )
    assert promoted == (best if wins else None)


@given(candidates)
def test_without_a_champion_a_candidate_is_promoted(new: dict[str, Metrics]) -> None:
    decision = verdict(new, None)
    eligible = {version: metrics for version, metrics in new.items() if calibrated(metrics)} or new
    assert decision.promoted in eligible
    assert new[decision.promoted]["log_loss"] == min(metrics["log_loss"] for metrics in eligible.values())
    assert ("is calibrated" in decision.reason) == calibrated(new[decision.promoted])


@given(candidates, judged)
def test_the_order_of_candidates_does_not_matter(new: dict[str, Metrics], old: Metrics) -> None:
    assert verdict(new, ("champion", old)) == verdict(dict(reversed(new.items())), ("champion", old))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"log_loss": 0.4},
            "new replaces old: log-loss 0.40000 against 0.50000, AUC 0.70000 against 0.70000, calibration 1.0000",
        ),
        ({}, "old stays, new does not beat it: log-loss 0.50000 against 0.50000, AUC 0.70000 against 0.70000"),
        (
            {"log_loss": 0.4, "auc": 0.6},
            "old stays, new does not beat it: log-loss 0.40000 against 0.50000, AUC 0.60000 against 0.70000",
        ),
        ({"log_loss": 0.1, "calibration": 1.2}, "no candidate's calibration is within 0.9 to 1.1; old stays"),
    ],
)
def test_the_reason_names_the_numbers(change: Metrics, reason: str) -> None:
    assert verdict({"new": {**GOOD, **change}}, ("old", GOOD)).reason == reason


def test_a_candidate_judged_without_any_click_is_not_calibrated() -> None:
    assert verdict({"new": {"log_loss": 0.1}}, ("old", GOOD)).promoted is None


@given(candidates, judged)
def test_the_champion_stays_if_an_operator_decided_so(new: dict[str, Metrics], old: Metrics) -> None:
    kept = verdict(new, ("champion", old), stays=STAYS, labels=LABELS_COMPLETE)
    assert (kept.promoted, kept.reason) == (None, "champion stays, as anna decided: an experiment runs")
    assert verdict(new, None, stays=STAYS) == verdict(new, None)


@given(candidates, judged)
def test_with_complete_labels_uncalibrated_candidates_are_compared(new: dict[str, Metrics], old: Metrics) -> None:
    decision, default = (verdict(new, ("champion", old), labels=labels) for labels in (LABELS_COMPLETE, None))
    if any(calibrated(metrics) for metrics in new.values()):
        assert decision == default
        return
    best = min(new, key=lambda version: (new[version]["log_loss"], version))
    wins = new[best]["log_loss"] < old["log_loss"] and new[best]["auc"] >= old["auc"] - AUC_TOLERANCE
    assert (decision.promoted, default.promoted) == (best if wins else None, None)
    assert decision.reason.endswith(
        "; the labels of click_model are all there are, as anna decided: the button has moved"
    )


def test_complete_labels_may_have_no_click() -> None:
    assert verdict({"new": {"log_loss": 0.1}}, ("old", {"log_loss": 0.2}), labels=LABELS_COMPLETE).promoted == "new"
