"""Every generator in the registry implements the interface."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.video import training
from models.video.generator import TrainedGenerator, VideoSpec
from models.video.registry import GENERATORS
from models.video.training import Training
from tests.models.video.tiny import TINY
from tests.models.video.together import Folder

SPEC = VideoSpec(64, 64, 16, 8)


def _trained(name: str) -> TrainedGenerator:
    generator = GENERATORS[name](TINY[name])
    return generator.fit(generator.training_data())


@pytest.fixture(scope="module", params=list(GENERATORS))
def generator(request: pytest.FixtureRequest) -> TrainedGenerator:
    return _trained(request.param)


@pytest.mark.parametrize("spec", [SPEC, VideoSpec(32, 48, 5, 4), VideoSpec(128, 96, 20, 24)])
def test_frames_match_the_spec(generator: TrainedGenerator, spec: VideoSpec) -> None:
    clips = generator.generate(["下雪", "a red car"], [1, 2], spec)
    assert clips.shape == (2, spec.frames, spec.height, spec.width, 3)
    assert clips.dtype == np.uint8


def test_a_clip_depends_only_on_its_prompt_and_seed(generator: TrainedGenerator) -> None:
    together = generator.generate(["一个美丽的日出景象", "waves", "waves"], [1, 2, 3], SPEC)
    alone = generator.generate(["waves"], [2], SPEC)
    np.testing.assert_array_equal(together[1], alone[0])
    assert (together[1] != together[2]).any()


@pytest.mark.parametrize("prompt", ["量子", "zzz qqq", "🚀", "12345", "一" * 5000, "\u202eabc", "<b>../x</b>"])
def test_an_unknown_prompt_still_gives_a_clip(generator: TrainedGenerator, prompt: str) -> None:
    (clip,) = generator.generate([prompt], [0], SPEC)
    assert clip.shape == (16, 64, 64, 3)


def test_loading_gives_the_same_clips(generator: TrainedGenerator, tmp_path: Path) -> None:
    generator.save(tmp_path)
    loaded = type(generator).load(tmp_path)
    assert loaded.version == generator.version
    np.testing.assert_array_equal(loaded.generate(["cat"], [4], SPEC), generator.generate(["cat"], [4], SPEC))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".safetensors"]


def test_training_again_gives_the_same_model(generator: TrainedGenerator) -> None:
    torch.manual_seed(1)  # the state of the global generator must not matter
    assert _trained(generator.name).version == generator.version
    assert GENERATORS[generator.name](generator.config).version != generator.version


def test_all_steps_are_counted(generator: TrainedGenerator) -> None:
    assert len(generator.history) == generator.config.steps
    longer = generator.config.longer(3)
    assert longer.steps == 3 * generator.config.steps
    assert GENERATORS[generator.name](longer).family != generator.family


class Stopped(Exception):
    """Raised in a training, as if it were killed."""


def test_a_training_that_is_stopped_many_times_ends_with_the_same_model(
    generator: TrainedGenerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_SAVE_EVERY", 1)
    clips = generator.training_data()
    steps = generator.config.steps
    for stop in (2, 5, 9, steps - 2, steps - 1, steps):

        def on_step(step: int, losses: object, stop: int = stop) -> None:
            if step == stop:
                raise Stopped

        with pytest.raises(Stopped):
            GENERATORS[generator.name](generator.config).fit(clips, Training(on_step, Folder(tmp_path)))
    resumed = GENERATORS[generator.name](generator.config).fit(clips, Training(checkpoints=Folder(tmp_path)))
    assert resumed.version == generator.version
    assert resumed.history == generator.history


def test_rejects_a_directory_without_a_complete_generator(generator: TrainedGenerator, tmp_path: Path) -> None:
    message = f"contains no saved {generator.name} generator"
    with pytest.raises(ValueError, match=message):
        type(generator).load(tmp_path)
    generator.save(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ValueError, match=message):
        type(generator).load(tmp_path)


@pytest.mark.parametrize(("prompts", "seeds"), [(["  "], [1]), (["rain"], []), (["rain", "\n"], [1, 2])])
def test_rejects_empty_prompts_and_missing_seeds(
    generator: TrainedGenerator, prompts: list[str], seeds: list[int]
) -> None:
    with pytest.raises(ValueError, match=r"a prompt is empty|give one seed for each"):
        generator.generate(prompts, seeds, SPEC)


@pytest.mark.parametrize("values", [(63, 64, 16, 8), (64, 8, 16, 8), (64, 64, 1, 8), (64, 64, 16, 0)])
def test_rejects_invalid_specs(values: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"must be even|needs at least"):
        VideoSpec(*values)
