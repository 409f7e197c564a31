"""Every family of pipelines: a tiny random pipeline of the real class is built, saved, loaded by its path and makes clips."""

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from models.video import diffusers_pipeline
from models.video.diffusers_pipeline import DiffusersGenerator, LicenceNotAccepted
from models.video.families import FAMILIES, Family, family_of, missing_packages
from models.video.generator import VideoSpec
from tests.models.video.tiny_pipeline import PIPELINES, save_tiny_pipeline

README = Path(__file__).parents[3] / "jobs/video/README.md"
STEPS = {"num_inference_steps": 2, "pyramid_num_inference_steps_list": [1, 1, 1]}
"""Arguments that make a call short, where the pipeline has them."""


class Guardrail:
    """Stands for the safety checker of Cosmos, whose weights are large; it finds the word `unsafe`."""

    def to(self, device: object) -> None:
        pass

    def check_text_safety(self, prompt: str) -> bool:
        return "unsafe" not in prompt

    def check_video_safety(self, frames: np.ndarray) -> np.ndarray:
        return frames


def resize(image: torch.Tensor, size: list[int], interpolation: str) -> torch.Tensor:
    """Stands for torchvision's function of this name."""
    return torch.nn.functional.interpolate(image, size, mode=interpolation)


STAND_INS: dict[str, dict[str, object]] = {
    "diffusers.pipelines.helios.pipeline_helios": {"ftfy": SimpleNamespace(fix_text=str)},
    "diffusers.pipelines.helios.pipeline_helios_pyramid": {"ftfy": SimpleNamespace(fix_text=str)},
    "diffusers.pipelines.cosmos.pipeline_cosmos2_5_predict": {"CosmosSafetyChecker": Guardrail},
    "diffusers.models.transformers.transformer_cosmos": {
        "transforms": SimpleNamespace(
            functional=SimpleNamespace(resize=resize), InterpolationMode=SimpleNamespace(NEAREST="nearest")
        )
    },
}
"""What the pipelines import from packages that are not installed: module -> name -> stand-in."""


@pytest.fixture(autouse=True, scope="module")
def packages() -> Iterator[None]:
    """Act as if the packages that families need were installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diffusers_pipeline, "missing_packages", lambda family: [])
        for module, names in STAND_INS.items():
            for name, stand_in in names.items():
                patch.setattr(importlib.import_module(module), name, stand_in, raising=False)
        yield


def small(generator: DiffusersGenerator) -> DiffusersGenerator:
    """Let the generator draw few pixels and frames in few steps."""
    family = generator.family
    height = 64 if family.pixels_step in {32, 64} else 32
    width = 128 if family.pixels_step == 64 else height
    frames = family.frames_step * 2 + family.frames_offset if family.frames_step < 33 else 33
    parameters = inspect.signature(getattr(diffusers, family.pipeline).__call__).parameters
    steps = {name: value for name, value in STEPS.items() if name in parameters}
    generator.family = replace(
        family, width=width, height=height, frames=frames, longest=frames, pixels_step=min(family.pixels_step, height),
        call={**family.call, **steps},
    )  # fmt: skip
    return generator


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function that gives the folder of a family's pipeline."""
    root = tmp_path_factory.mktemp("pipelines")

    @cache
    def folder(name: str) -> Path:
        save_tiny_pipeline(root / name, name)
        return root / name

    return folder


def load(saved: Any, family: Family) -> DiffusersGenerator:
    return DiffusersGenerator(str(saved(family.name)), family.licence)


@pytest.fixture(params=FAMILIES, ids=lambda family: family.name)
def family(request: pytest.FixtureRequest) -> Family:
    row: Family = request.param
    return row


def test_every_family_has_a_tiny_pipeline_and_a_row_of_the_table() -> None:
    names = [family.name for family in FAMILIES]
    assert sorted(names) == sorted(PIPELINES)
    table = README.read_text(encoding="utf-8")
    assert [name for name in names if f"\n| {name} |" not in table] == []


def test_a_clip_depends_on_prompt_and_seed_and_not_on_the_other_clips(saved: Any, family: Family) -> None:
    generator = load(saved, family)
    assert generator.family.name == family.name
    assert generator.spec.fps == family.fps
    generator = small(generator)
    spec = generator.spec
    together, sounds = generator.generate_with_sound(["waves", "sun and rain", "waves"], [1, 2, 2], spec)
    assert together.shape == (3, spec.frames, spec.height, spec.width, 3)
    assert together.dtype == np.uint8
    alone, (sound,) = generator.generate_with_sound(["sun and rain"], [2], spec)
    np.testing.assert_array_equal(alone[0], together[1])
    assert (together[0] != together[2]).any()  # another seed
    assert (together[1] != together[2]).any()  # another prompt
    assert (sound is not None) == family.has_sound
    if sound is not None and sounds[1] is not None:
        assert sound.samples.shape == (2, round(spec.frames / spec.fps * sound.rate))
        np.testing.assert_array_equal(sound.samples, sounds[1].samples)
    if family.together:  # as on a GPU
        generator.batch_size = 3
        batch, _ = generator.generate_with_sound(["waves", "sun and rain", "waves"], [1, 2, 2], spec)
        difference = np.abs(batch.astype(int) - together)
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.001


def test_the_call_has_a_valid_size_and_length(family: Family) -> None:
    parameters = inspect.signature(getattr(diffusers, family.pipeline).__call__).parameters
    own = VideoSpec(family.width, family.height, family.frames, family.fps)
    assert (
        family.arguments(own).items()
        >= {"width": own.width, "height": own.height, family.frames_argument: own.frames}.items()
    )
    for spec in (own, VideoSpec(64, 64, 4, 8), VideoSpec(512, 256, 80, 8), VideoSpec(90, 160, 10_000, 30)):
        arguments = family.arguments(spec)
        assert arguments.keys() <= parameters.keys()
        assert arguments["width"] % family.pixels_step == arguments["height"] % family.pixels_step == 0
        frames = arguments[family.frames_argument]
        assert frames % family.frames_step == family.frames_offset % family.frames_step
        assert 2 <= frames <= family.longest


def test_size_and_length_are_the_nearest_valid_ones() -> None:
    wan = next(family for family in FAMILIES if family.name == "Wan 2.1")
    assert wan.size_for(VideoSpec(256, 256, 8, 8)) == (624, 624)  # as many pixels as 832 x 480
    assert wan.frames_for(VideoSpec(256, 256, 24, 8)) == 49  # 3 s at 16 fps are 48
    assert wan.frames_for(VideoSpec(256, 256, 80, 8)) == 81  # not more than it was made for
    helios = next(family for family in FAMILIES if family.name == "Helios")
    assert [helios.frames_for(VideoSpec(64, 64, frames, 24)) for frames in (2, 49, 50, 240)] == [33, 33, 66, 231]


def test_the_second_transformer_of_wan_has_its_own_guidance(saved: Any) -> None:
    (family,) = [family for family in FAMILIES if family.name == "Wan 2.2 A14B"]
    generator = small(load(saved, family))
    before = generator.generate(["waves"], [1], generator.spec)
    generator.family = replace(generator.family, call={**generator.family.call, "guidance_scale_2": 9.0})
    assert (generator.generate(["waves"], [1], generator.spec) != before).any()


def test_the_guardrail_of_cosmos_refuses_a_prompt(saved: Any) -> None:
    (family,) = [family for family in FAMILIES if family.name == "Cosmos 2.5"]
    generator = small(load(saved, family))
    with pytest.raises(ValueError, match="unsafe text in the prompt"):
        generator.generate(["an unsafe prompt"], [1], generator.spec)


def test_a_licence_that_bars_regions_has_to_be_accepted(saved: Any) -> None:
    barred = [family for family in FAMILIES if family.regions_barred]
    assert {family.pipeline for family in barred} == {"HunyuanVideo15Pipeline"}
    with pytest.raises(LicenceNotAccepted, match="no rights in the European Union, the United Kingdom and South Korea"):
        DiffusersGenerator(str(saved(barred[0].name)), "MIT")


def test_a_missing_package_is_named(saved: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (family,) = [family for family in FAMILIES if family.name == "Helios"]
    monkeypatch.setattr(diffusers_pipeline, "missing_packages", missing_packages)
    monkeypatch.setattr("models.video.families.importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="HeliosPipeline needs packages that are not installed: ftfy"):
        load(saved, family)


def test_another_class_is_refused_with_the_names_of_the_families() -> None:
    with pytest.raises(
        ValueError, match=r"MochiPipeline is not a pipeline of a supported family: .*Wan 2\.1, .*Cosmos 2\.5$"
    ):
        family_of({"_class_name": "MochiPipeline"}, {})
