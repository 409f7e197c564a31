"""The judge fails clips that are wrong in a known way."""

import pytest

from models.video.cartoons.corpus import render_clips
from models.video.evaluation import diversity, evaluate, evaluated_descriptions
from models.video.judge import Judge, flicker, motion
from tests.benchmarks.judge_audit import audit


@pytest.fixture(scope="module")
def accuracies(judge: Judge) -> dict[str, float]:
    return audit(judge, 16, prompts=20)


@pytest.mark.parametrize(
    "check",
    ["clip of another prompt", "one frame, frozen", "frames shuffled", "played backwards", "noise",
     "wrong subject", "wrong colour", "wrong count", "wrong direction", "wrong speed", "wrong backdrop"],
)  # fmt: skip
def test_wrong_clips_fit_worse(accuracies: dict[str, float], check: str) -> None:
    assert accuracies[check] >= 0.75


def test_renders_get_high_marks_and_other_clips_low_ones(judge: Judge) -> None:
    descriptions = evaluated_descriptions(40, held_out=True, seed=3)
    clips = render_clips(descriptions, 16, 64, seed=9).frames
    marks = evaluate(judge, clips, descriptions)
    assert marks["top_1"] >= 0.8
    assert marks["top_5"] >= marks["top_1"]
    assert min(marks[f"accuracy_{name}"] for name in ("subject", "colour", "direction", "backdrop")) >= 0.65
    assert evaluate(judge, clips[::-1], descriptions)["top_1"] <= 0.2


def test_larger_clips_are_judged_alike(judge: Judge) -> None:
    clips = render_clips(evaluated_descriptions(5, held_out=True, seed=3), 16, 64, seed=9).frames
    larger = clips.repeat(2, axis=2).repeat(2, axis=3)
    assert (judge.attributes(larger) == judge.attributes(clips)).all()


def test_motion_flicker_and_diversity_of_still_clips_are_zero() -> None:
    clips = render_clips(evaluated_descriptions(2, held_out=True, seed=3), 16, 64, seed=9).frames
    still = clips[:, :1].repeat(16, axis=1)
    assert motion(still) == flicker(still) == 0 < min(motion(clips), flicker(clips))
    assert diversity(clips[:, None].repeat(2, axis=1)) == 0
