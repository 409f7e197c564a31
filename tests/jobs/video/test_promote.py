"""The choice among several generators: what viewers prefer and the judge allows, and nothing by chance."""

import datetime as dt

import numpy as np
import pytest

from jobs.platform.decisions import MODEL, Decision
from jobs.video.promote import (
    FEWEST_VIDEOS,
    JUDGE_TOLERANCE,
    LEVEL,
    Candidate,
    Comparison,
    Watched,
    compare,
    verdict,
)

NIGHTS, VIDEOS_A_NIGHT, SHARE, WINDOW = 56, 18, 0.1, 28


def season(rng: np.random.Generator, effect: float) -> int | None:
    """Return the first of 56 nights on which the challenger is promoted; None if none does.

    Videos differ in how much they are liked (logits with standard deviation 0.3, on average 40 % long views) and in how often
    they are shown, which becomes less every night. `effect` is the challenger's, as a logit: 0.3 is 7 points.
    """
    size = (NIGHTS, VIDEOS_A_NIGHT)
    is_challenger = rng.random(size) < SHARE
    chance = 1 / (1 + np.exp(-(np.log(0.4 / 0.6) + 0.3 * rng.standard_normal(size) + effect * is_challenger)))
    age = np.arange(NIGHTS) - np.arange(NIGHTS)[:, None]  # (requested, night)
    shown = np.where(age > 0, 40 * np.exp(-age.clip(0) / 20), 0)
    impressions = rng.poisson(rng.lognormal(0, 0.7, size)[..., None] * shown[:, None])
    long_views = rng.binomial(impressions, chance[..., None])
    challenged = is_challenger.sum(1, keepdims=True)
    have_both = (challenged > 0) & (challenged < VIDEOS_A_NIGHT)
    for night in range(NIGHTS):
        seen, long = (
            counts[..., max(0, night - WINDOW + 1) : night + 1].sum(-1) for counts in (impressions, long_views)
        )
        arms = [(is_challenger == arm) & have_both & (seen > 0) for arm in (False, True)]
        if all(arm.sum() >= FEWEST_VIDEOS for arm in arms):
            champion, challenger = (Watched(seen[arm], long[arm]) for arm in arms)
            found = compare(champion, challenger, LEVEL)
            if found is not None and found.low > 0:
                return night
    return None


def promotions(effect: float, seasons: int) -> list[int]:
    rng = np.random.default_rng(1)
    nights = (season(rng, effect) for _ in range(seasons))
    return [night for night in nights if night is not None]


def test_equal_generators_are_promoted_in_less_than_the_stated_share_of_seasons() -> None:
    assert len(promotions(effect=0.0, seasons=200)) / 200 <= LEVEL


def test_a_better_generator_is_promoted_within_weeks() -> None:
    nights = promotions(effect=0.3, seasons=40)
    assert len(nights) == 40
    assert np.median(nights) <= 14
    assert np.quantile(nights, 0.9) <= 28


def test_a_rate_is_that_of_all_views_and_few_videos_decide_nothing() -> None:
    arm = Watched(np.array([10, 30] * 5), np.array([5, 3] * 5))
    assert arm.rate == pytest.approx(8 / 40)
    few = Watched(arm.impressions[: FEWEST_VIDEOS - 1], arm.long_views[: FEWEST_VIDEOS - 1])
    assert compare(arm, few, LEVEL) is None
    nobody, everybody = (Watched(np.full(100, 10), np.full(100, count)) for count in (0, 10))
    found = compare(nobody, everybody, LEVEL)
    assert found is not None
    assert 0 < found.low < 1 < found.high


OLD, NEW, THIRD = Candidate("vae-1", 0.9), Candidate("flow-1", 0.85), Candidate("gan-1", 0.9 - 1.1 * JUDGE_TOLERANCE)


def _found(low: float, rate: float = 0.5) -> Comparison:
    return Comparison(videos=20, champion_rate=0.4, rate=rate, low=low, high=0.3)


def test_a_challenger_that_viewers_prefer_is_promoted() -> None:
    decision = verdict(OLD, [NEW], {"flow-1": _found(0.02)})
    assert decision.promoted == "flow-1"
    assert decision.reason == (
        "flow-1 beats vae-1: long-view rate 50.0% of 20 videos against 40.0%, difference +2.0 to +30.0 points"
    )
    assert verdict(OLD, [NEW], {"flow-1": _found(0.0)}).promoted is None
    assert verdict(OLD, [NEW], {"flow-1": None}).reason == "vae-1 stays; flow-1: too few videos were watched"


def test_one_that_the_judge_finds_worse_is_not() -> None:
    found = {"flow-1": _found(0.01), "gan-1": _found(0.1, rate=0.6)}
    assert verdict(OLD, [THIRD], found).promoted is None
    assert "viewers prefer gan-1, but the judge finds 0.79 of its clips right" in verdict(OLD, [THIRD], found).reason
    assert verdict(OLD, [THIRD, NEW], found).promoted == "flow-1"


def test_the_champion_stays_if_an_operator_decided_so() -> None:
    stays = Decision(dt.date(2022, 5, 1), MODEL, "video_generator", "ann", "a demo", dt.datetime.now(dt.UTC))
    decision = verdict(OLD, [NEW], {"flow-1": _found(0.02)}, stays)
    assert (decision.promoted, decision.reason) == (None, "vae-1 stays, as ann decided: a demo")
