"""The project's own generator implements the interface, learns, and shows the scenes of the prompts."""

import json
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
TINY = VaeConfig(clips_per_scene=1, captions_per_scene=4, steps=3, text_steps=3, hidden_size=32)


def test_training_lowers_both_losses(learned: VaeGenerator) -> None:
    errors = [step.mse for step in learned.history]
    assert np.mean(errors[-20:]) < 0.4 * np.mean(errors[:20])
    assert learned.text_history[-1] < 0.2 * learned.text_history[0]
    assert all(step.kl >= 0 for step in learned.history)


def test_clips_show_the_scenes_of_the_prompts_and_move(learned: VaeGenerator) -> None:
    prompts = [(scene, text) for scene, pairs in SCENE_PROMPTS.items() for pair in pairs for text in pair]
    clips = learned.generate([text for _, text in prompts], range(len(prompts)), SPEC)
    judge = SceneJudge(render_clips(8, 16, 64, seed=5))
    correct = [SCENE_NAMES[index] == scene for index, (scene, _) in zip(judge.scenes(clips), prompts, strict=True)]
    assert np.mean(correct) >= 0.9
    assert min(judge.motion(clip[None]) for clip in clips) > 0.3


@pytest.mark.slow
def test_the_nightly_config_gives_sharp_clips() -> None:
    generator = VaeGenerator(replace(VaeConfig(), steps=300))  # a fifth of the nightly steps; measured: 0.0103
    generator.fit(*generator.training_data())
    assert np.mean([step.mse for step in generator.history[-50:]]) < 0.012


@pytest.mark.parametrize("spec", [SPEC, VideoSpec(32, 48, 5, 4), VideoSpec(128, 96, 20, 24)])
def test_frames_match_the_spec(learned: VaeGenerator, spec: VideoSpec) -> None:
    clips = learned.generate(["下雪", "a red car"], [1, 2], spec)
    assert clips.shape == (2, spec.frames, spec.height, spec.width, 3)
    assert clips.dtype == np.uint8


def test_a_clip_depends_only_on_its_prompt_and_seed(learned: VaeGenerator) -> None:
    together = learned.generate(["一个美丽的日出景象", "waves", "waves"], [1, 2, 3], SPEC)
    alone = learned.generate(["waves"], [2], SPEC)
    np.testing.assert_array_equal(together[1], alone[0])
    assert (together[1] != together[2]).any()


@pytest.mark.parametrize("prompt", ["量子", "zzz qqq", "🚀", "12345", "一" * 5000])
def test_an_unknown_prompt_still_gives_a_clip(learned: VaeGenerator, prompt: str) -> None:
    (clip,) = learned.generate([prompt], [0], SPEC)
    assert clip.std() > 2


def test_loading_gives_the_same_clips(learned: VaeGenerator, tmp_path: Path) -> None:
    learned.save(tmp_path)
    loaded = VaeGenerator.load(tmp_path)
    assert loaded.version == learned.version
    np.testing.assert_array_equal(loaded.generate(["cat"], [4], SPEC), learned.generate(["cat"], [4], SPEC))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".safetensors"]


def test_training_again_gives_the_same_model() -> None:
    torch.manual_seed(1)
    first = VaeGenerator(TINY)
    first.fit(*first.training_data())
    torch.manual_seed(2)  # the state of the global generator must not matter
    second = VaeGenerator(TINY)
    second.fit(*second.training_data())
    assert first.version == second.version
    assert first.version != VaeGenerator(TINY).version


def test_rejects_a_directory_without_a_complete_generator(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="contains no saved VAE generator"):
        VaeGenerator.load(tmp_path)
    VaeGenerator(TINY).save(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ValueError, match="contains no saved VAE generator"):
        VaeGenerator.load(tmp_path)


@pytest.mark.parametrize(("prompts", "seeds"), [(["  "], [1]), (["rain"], []), (["rain", "\n"], [1, 2])])
def test_rejects_empty_prompts_and_missing_seeds(learned: VaeGenerator, prompts: list[str], seeds: list[int]) -> None:
    with pytest.raises(ValueError, match=r"a prompt is empty|give one seed for each"):
        learned.generate(prompts, seeds, SPEC)


@pytest.mark.parametrize("values", [(63, 64, 16, 8), (64, 8, 16, 8), (64, 64, 1, 8), (64, 64, 16, 0)])
def test_rejects_invalid_specs(values: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"must be even|needs at least"):
        VideoSpec(*values)


def test_loads_generators_saved_with_the_old_names_of_hyperparameters(tmp_path: Path) -> None:
    VaeGenerator(TINY).save(tmp_path)
    old_names = {
        "batch_size": "clips_per_step",
        "embedding_size": "latent_size",
        "hidden_size": "width",
        "text_embedding_size": "text_width",
    }
    path = tmp_path / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({old_names.get(name, name): value for name, value in config.items()}), encoding="utf-8")
    assert VaeGenerator.load(tmp_path).version == VaeGenerator(TINY).version
