"""The promotion rule of recommenders."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.platform.decisions import MODEL, Decision
from jobs.recommend.promote import MIN_COVERAGE_RATIO, REFIT_TOLERANCE, JudgedVersion, verdict

shares = st.floats(0.001, 1)


def judged(version: str, ndcg: float, coverage: float = 0.1, family: str | None = None) -> JudgedVersion:
    metrics = {"ndcg_at_20": ndcg, "coverage_at_20": coverage}
    return JudgedVersion(version, family or version.split("-")[0], metrics)


def test_without_a_champion_the_best_is_promoted() -> None:
    decision = verdict([judged("als-1", 0.08), judged("ease-1", 0.09), judged("popularity-1", 0.05)], None)
    assert decision.promoted == "ease-1"
    assert "0.0900" in decision.reason


def test_the_first_of_the_registry_is_promoted_if_none_can_be_evaluated() -> None:
    candidates = [JudgedVersion("ease-1", "ease", {}), JudgedVersion("als-1", "als", {"users": 3})]
    assert verdict(candidates, None).promoted == "ease-1"
    assert verdict(candidates, judged("als-0", 0.1)).promoted is None


@given(st.lists(st.tuples(shares, shares), min_size=1, max_size=5), shares, shares)
def test_another_kind_must_beat_the_champion_and_keep_its_coverage(
    figures: list[tuple[float, float]], ndcg: float, coverage: float
) -> None:
    candidates = {f"m{i}-2": judged(f"m{i}-2", *figure) for i, figure in enumerate(figures)}
    promoted = verdict(list(candidates.values()), judged("old-1", ndcg, coverage)).promoted
    wide = [c for c in candidates.values() if c.metrics["coverage_at_20"] >= MIN_COVERAGE_RATIO * coverage]
    better = [c for c in wide if c.metrics["ndcg_at_20"] > ndcg]
    assert (promoted is not None) == bool(better)
    if promoted is not None:
        assert candidates[promoted].metrics["ndcg_at_20"] == max(c.metrics["ndcg_at_20"] for c in better)


@pytest.mark.parametrize(
    ("drop", "is_promoted"), [(0.0, True), (0.9 * REFIT_TOLERANCE, True), (1.1 * REFIT_TOLERANCE, False)]
)
def test_the_champion_s_own_kind_is_promoted_unless_it_is_worse(drop: float, is_promoted: bool) -> None:
    champion = judged("als-1", 0.08)
    promoted = verdict([judged("als-2", 0.08 * (1 - drop)), judged("popularity-2", 0.05)], champion).promoted
    assert promoted == ("als-2" if is_promoted else None)


def test_low_coverage_is_not_promoted_for_its_accuracy() -> None:
    champion = judged("als-1", 0.08, coverage=0.2)
    assert verdict([judged("popularity-2", 0.09, coverage=0.005)], champion).promoted is None
    wider = [judged("popularity-2", 0.09, coverage=0.005), judged("ease-2", 0.085, coverage=0.18)]
    assert verdict(wider, champion).promoted == "ease-2"


def test_the_champion_stays_if_an_operator_decided_so() -> None:
    made_at = dt.datetime(2022, 5, 3, tzinfo=dt.UTC)
    stays = Decision(dt.date(2022, 5, 2), MODEL, "recommender", "anna", "ease shows too few creators", made_at)
    better = [judged("ease-2", 0.2)]
    kept = verdict(better, judged("als-1", 0.1), stays)
    assert (kept.promoted, kept.reason) == (None, "als-1 stays, as anna decided: ease shows too few creators")
    assert verdict(better, None, stays) == verdict(better, None)
    # The decision also applies without metrics.
    assert verdict([JudgedVersion("ease-2", "ease", {})], JudgedVersion("als-1", "als", {}), stays) == kept
