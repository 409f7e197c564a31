"""A pipeline of diffusers behind the contract, with random weights that the test saves; no hub is asked."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from models.video.diffusers_pipeline import DiffusersGenerator
from models.video.generator import VideoSpec
from tests.models.video.tiny_pipeline import save_tiny_pipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    saved = tmp_path_factory.mktemp("pipeline") / "tiny"
    save_tiny_pipeline(saved)
    return saved


@pytest.fixture(scope="module")
def generator(folder: Path) -> DiffusersGenerator:
    return DiffusersGenerator(str(folder))


def test_spec_is_what_the_pipeline_was_made_for(generator: DiffusersGenerator) -> None:
    assert generator.spec == VideoSpec(width=32, height=32, frames=5, fps=8)


def test_clips_follow_prompt_and_seed(generator: DiffusersGenerator) -> None:
    first = generator.generate(["日出", "waves"], [1, 2], generator.spec)
    again = generator.generate(["日出", "waves"], [1, 2], generator.spec)
    assert first.shape == (2, 5, 32, 32, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    alone = generator.generate(["waves"], [2], generator.spec)
    np.testing.assert_allclose(alone[0].astype(int), first[1].astype(int), atol=1)  # kernels round by batch size
    assert (generator.generate(["waves"], [3], generator.spec) != alone).any()


def test_another_size_and_length_is_converted_to(generator: DiffusersGenerator) -> None:
    assert generator.generate(["rain"], [1], VideoSpec(48, 64, 7, 8)).shape == (1, 7, 64, 48, 3)


def test_version_follows_the_weights(folder: Path, generator: DiffusersGenerator, tmp_path: Path) -> None:
    moved = shutil.copytree(folder, tmp_path / "moved")
    assert DiffusersGenerator(str(moved)).version == generator.version
    weights = moved / "vae" / "diffusion_pytorch_model.safetensors"
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    assert DiffusersGenerator(str(moved)).version != generator.version


def test_values_that_are_not_numbers_are_refused(folder: Path) -> None:
    broken = DiffusersGenerator(str(folder))
    pipeline = broken._load()
    with torch.no_grad():
        pipeline.vae.decoder.conv_out.conv.bias.fill_(float("nan"))
    with pytest.raises(ValueError, match="not numbers"):
        broken.generate(["rain"], [1], broken.spec)


def test_what_is_no_video_pipeline_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"no model_index\.json"):
        DiffusersGenerator(str(tmp_path))
    with pytest.raises(ValueError, match="neither the folder nor the id"):
        DiffusersGenerator(str(tmp_path / "absent" / "folder"))
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}', encoding="utf-8")
    with pytest.raises(ValueError, match="is not a text-to-video pipeline"):
        DiffusersGenerator(str(tmp_path))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU: torch sees none here")
def test_a_gpu_is_used_where_there_is_one(generator: DiffusersGenerator) -> None:
    generator.generate(["rain"], [1], generator.spec)
    assert generator._load().device.type == "cuda"
