"""The project's own generator learns, and shows what the prompts say, also in combinations that training never had."""

from dataclasses import asdict

import numpy as np

from jobs.video.prompts import PROMPTS
from models.video.cartoons.corpus import render_clips
from models.video.cartoons.descriptions import ATTRIBUTES
from models.video.evaluation import evaluate, evaluated_descriptions, full_captions
from models.video.generator import VideoSpec
from models.video.judge import Judge, motion
from models.video.vae import VaeGenerator

SPEC = VideoSpec(64, 64, 16, 8)


def test_training_lowers_all_losses(learned: VaeGenerator) -> None:
    steps = [asdict(losses) for losses in learned.history]
    for name, factor in (("text_nats", 0.2), ("mse", 0.4), ("sprite_mse", 0.4), ("layout_mse", 0.8)):
        losses = [step[name] for step in steps if name in step]
        assert np.mean(losses[-20:]) < factor * np.mean(losses[:20])
    assert all(step["kl"] >= 0 for step in steps if "kl" in step)


def test_clips_show_held_out_combinations(learned: VaeGenerator, judge: Judge) -> None:
    asked = evaluated_descriptions(60, held_out=True, seed=4)
    prompts = full_captions(asked[:30], "zh", 4) + full_captions(asked[30:], "en", 4)
    marks = evaluate(judge, learned.generate(prompts, range(len(prompts)), SPEC), asked)
    of_renders = evaluate(judge, render_clips(asked, 16, 64, seed=5).frames, asked)
    assert marks["top_1"] >= 0.75
    assert marks["top_5"] >= 0.9
    for name in ("accuracy_colour", "accuracy_direction", "accuracy_backdrop"):
        assert marks[name] >= of_renders[name] - 0.2


def test_clips_show_the_subjects_of_a_night_and_move(learned: VaeGenerator, judge: Judge) -> None:
    asked = [(subject, text) for subject, pairs in PROMPTS.items() for pair in pairs for text in pair]
    clips = learned.generate([text for _, text in asked], range(len(asked)), SPEC)
    named = judge.attributes(clips)[:, 0]
    scenes = [n for n, (subject, _) in enumerate(asked) if subject in ATTRIBUTES["subject"][:22]]
    correct = [named[n] == ATTRIBUTES["subject"].index(asked[n][0]) for n in scenes]
    assert np.mean(correct) >= 0.8
    assert min(motion(clip[None]) for clip in clips) > 0.3
