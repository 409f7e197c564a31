"""A diffusers pipeline with random weights that the test saves; nothing is downloaded."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from models.video.diffusers_pipeline import DiffusersGenerator
from models.video.generator import VideoSpec
from models.video.sound import Sound
from tests.models.video.tiny_pipeline import save_tiny_pipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    saved = tmp_path_factory.mktemp("pipeline") / "tiny"
    save_tiny_pipeline(saved)
    return saved


@pytest.fixture(scope="module")
def generator(folder: Path) -> DiffusersGenerator:
    return DiffusersGenerator(str(folder))


def test_spec_is_the_default_of_the_pipeline(generator: DiffusersGenerator) -> None:
    assert generator.spec == VideoSpec(width=32, height=32, frames=9, fps=8)


def test_clips_depend_on_prompt_and_seed(generator: DiffusersGenerator) -> None:
    first = generator.generate(["日出", "waves"], [1, 2], generator.spec)
    again = generator.generate(["日出", "waves"], [1, 2], generator.spec)
    assert first.shape == (2, 9, 32, 32, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    alone = generator.generate(["waves"], [2], generator.spec)
    np.testing.assert_array_equal(alone[0], first[1])
    assert (generator.generate(["waves"], [3], generator.spec) != alone).any()


def test_clips_are_converted_to_another_size_and_length(generator: DiffusersGenerator) -> None:
    assert generator.generate(["rain"], [1], VideoSpec(48, 64, 7, 8)).shape == (1, 7, 64, 48, 3)


def test_version_depends_on_the_weights(folder: Path, generator: DiffusersGenerator, tmp_path: Path) -> None:
    copied = shutil.copytree(folder, tmp_path / "copied")
    assert DiffusersGenerator(str(copied)).version == generator.version
    weights = copied / "vae" / "diffusion_pytorch_model.safetensors"
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    assert DiffusersGenerator(str(copied)).version != generator.version


def test_a_sound_is_cut_or_followed_by_silence() -> None:
    sound = Sound(np.ones((2, 10), np.float32), rate=10)
    assert sound.lasting(0.5).samples.tolist() == [[1] * 5] * 2
    assert sound.lasting(1.2).samples.tolist() == [[1] * 10 + [0] * 2] * 2


def test_rejects_values_that_are_not_finite(folder: Path) -> None:
    broken = DiffusersGenerator(str(folder))
    pipeline = broken._load()
    with torch.no_grad():
        pipeline.vae.decoder.conv_out.conv.bias.fill_(float("nan"))
    with pytest.raises(ValueError, match="not finite"):
        broken.generate(["rain"], [1], broken.spec)


def test_rejects_other_folders_and_pipelines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"no model_index\.json"):
        DiffusersGenerator(str(tmp_path))
    with pytest.raises(ValueError, match="neither the folder nor the id"):
        DiffusersGenerator(str(tmp_path / "absent" / "folder"))
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}', encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"StableDiffusionPipeline is not a pipeline of a supported family: Wan 2\.2 A14B, "
    ):
        DiffusersGenerator(str(tmp_path))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU: torch sees none here")
def test_uses_a_gpu_if_available(generator: DiffusersGenerator) -> None:
    generator.generate(["rain"], [1], generator.spec)
    assert generator._load().device.type == "cuda"
