"""The project's own generator keeps the contract, learns, and shows what it is asked for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from jobs.video.prompts import SCENE_PROMPTS
from models.video.cartoons.scenes import SCENE_NAMES, render_clips
from models.video.generator import VideoSpec
from models.video.scene_judge import SceneJudge
from models.video.vae import VaeConfig, VaeGenerator

SPEC = VideoSpec(64, 64, 16, 8)
TINY = VaeConfig(clips_per_scene=1, captions_per_scene=4, steps=3, text_steps=3, width=32)


def test_training_lowers_both_losses(learned: VaeGenerator) -> None:
    errors = [step.mse for step in learned.history]
    assert np.mean(errors[-20:]) < 0.4 * np.mean(errors[:20])
    assert learned.text_history[-1] < 0.2 * learned.text_history[0]
    assert all(step.kl >= 0 for step in learned.history)


def test_clips_show_what_the_prompts_say_and_move(learned: VaeGenerator) -> None:
    asked = [(scene, text) for scene, pairs in SCENE_PROMPTS.items() for pair in pairs for text in pair]
    clips = learned.generate([text for _, text in asked], range(len(asked)), SPEC)
    judge = SceneJudge(render_clips(8, 16, 64, seed=5))
    right = [SCENE_NAMES[found] == scene for found, (scene, _) in zip(judge.scenes(clips), asked, strict=True)]
    assert np.mean(right) >= 0.9
    assert min(judge.motion(clip[None]) for clip in clips) > 0.3


@pytest.mark.slow
def test_the_nights_generator_draws_sharply() -> None:
    generator = VaeGenerator(replace(VaeConfig(), steps=300))  # a fifth of a night's; it comes to 0.0103
    generator.fit(*generator.training_data())
    assert np.mean([step.mse for step in generator.history[-50:]]) < 0.012


@pytest.mark.parametrize("spec", [SPEC, VideoSpec(32, 48, 5, 4), VideoSpec(128, 96, 20, 24)])
def test_frames_are_as_the_spec_says(learned: VaeGenerator, spec: VideoSpec) -> None:
    clips = learned.generate(["下雪", "a red car"], [1, 2], spec)
    assert clips.shape == (2, spec.frames, spec.height, spec.width, 3)
    assert clips.dtype == np.uint8


def test_a_clip_depends_on_its_prompt_and_seed_alone(learned: VaeGenerator) -> None:
    together = learned.generate(["一个美丽的日出景象", "waves", "waves"], [1, 2, 3], SPEC)
    alone = learned.generate(["waves"], [2], SPEC)
    np.testing.assert_array_equal(together[1], alone[0])
    assert (together[1] != together[2]).any()


@pytest.mark.parametrize("prompt", ["量子", "zzz qqq", "🚀", "12345", "一" * 5000])
def test_a_prompt_like_nothing_known_still_gives_a_clip(learned: VaeGenerator, prompt: str) -> None:
    (clip,) = learned.generate([prompt], [0], SPEC)
    assert clip.std() > 2


def test_saved_and_loaded_it_is_the_same(learned: VaeGenerator, tmp_path: Path) -> None:
    learned.save(tmp_path)
    loaded = VaeGenerator.load(tmp_path)
    assert loaded.version == learned.version
    np.testing.assert_array_equal(loaded.generate(["cat"], [4], SPEC), learned.generate(["cat"], [4], SPEC))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".safetensors"]


def test_training_again_gives_the_same_model() -> None:
    torch.manual_seed(1)
    first = VaeGenerator(TINY)
    first.fit(*first.training_data())
    torch.manual_seed(2)  # what others drew from the global generator changes nothing
    second = VaeGenerator(TINY)
    second.fit(*second.training_data())
    assert first.version == second.version
    assert first.version != VaeGenerator(TINY).version


def test_what_is_no_saved_generator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no saved VAE generator"):
        VaeGenerator.load(tmp_path)
    VaeGenerator(TINY).save(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ValueError, match="holds no saved VAE generator"):
        VaeGenerator.load(tmp_path)


@pytest.mark.parametrize(("prompts", "seeds"), [(["  "], [1]), (["rain"], []), (["rain", "\n"], [1, 2])])
def test_bad_prompts_are_refused(learned: VaeGenerator, prompts: list[str], seeds: list[int]) -> None:
    with pytest.raises(ValueError, match=r"a prompt is empty|give one seed for each"):
        learned.generate(prompts, seeds, SPEC)


@pytest.mark.parametrize("values", [(63, 64, 16, 8), (64, 8, 16, 8), (64, 64, 1, 8), (64, 64, 16, 0)])
def test_impossible_specs_are_refused(values: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"must be even|needs at least"):
        VideoSpec(*values)
