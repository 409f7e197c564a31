"""The families of `diffusers` pipelines that can generate videos: how each one is called, and what has to be known about it.

Checked against `diffusers` 0.42. How a pipeline is called, its default size and length and what it refuses is read from the
source of its class; frame rates, lengths, memory and licences are what the makers state, at the address in `source`. None of
these models was run here with its real weights.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.video.generator import VideoSpec

Config = Mapping[str, Any]
"""A pipeline's `model_index.json`, or the config of one of its parts."""

_LATENT_PIXELS = 8
"""Pixels, across, of one value of CogVideoX's latents, in which its config states the size."""


@dataclass(frozen=True)
class Family:
    """One row of the table: models that are called in the same way. Its `repr` is what decides the frames of a clip.

    Attributes:
        name: name of the models.
        pipeline: class of `diffusers`.
        width, height: pixels of the clips that it was made for.
        frames: number of frames of these clips.
        longest: the most frames that it was made for.
        fps: frames per second of its training data.
        frames_step, frames_offset: valid numbers of frames are `frames_step * k + frames_offset`, with k from 1.
        pixels_step: width and height are multiples of it.
        memory: what the makers state, or the size of the weights; GB of GPU memory. Nothing is moved to the CPU here.
        licence: name of the licence of the weights.
        bars: what the licence bars, in words.
        refuses: which prompts and requests it refuses or cuts, in words.
        source: where the makers state these facts.
        when: tells the row from others of the same class, by the index and the transformer's config.
        other_sizes: it makes clips of other aspect ratios as well, of about as many pixels.
        frames_argument: name of the argument for the number of frames.
        fps_argument: name of the argument for the frame rate, if it has one.
        call: other arguments; those that are not named keep the pipeline's defaults.
        float32: parts that compute in float32 on a GPU as well; the others compute in bfloat16.
        has_sound: its clips have sound.
        together: a call can draw several clips, whose encoded prompts have all the same length.
        needs: packages that it imports besides the project's own.
        regions_barred: the licence grants no right in some regions, so an operator has to accept it by name.
    """

    name: str = field(repr=False)
    pipeline: str
    width: int
    height: int
    frames: int
    longest: int
    fps: int
    frames_step: int
    frames_offset: int
    pixels_step: int
    memory: str = field(repr=False)
    licence: str = field(repr=False)
    bars: str = field(repr=False)
    refuses: str = field(repr=False)
    source: str = field(repr=False)
    when: Callable[[Config, Config], bool] = field(default=lambda index, transformer: True, repr=False)
    other_sizes: bool = True
    frames_argument: str = "num_frames"
    fps_argument: str | None = None
    call: Mapping[str, Any] = field(default_factory=dict)
    float32: tuple[str, ...] = ()
    has_sound: bool = False
    together: bool = field(default=True, repr=False)
    needs: tuple[str, ...] = field(default=(), repr=False)
    regions_barred: bool = field(default=False, repr=False)

    def frames_for(self, spec: VideoSpec) -> int:
        """Return the valid number of frames that is nearest to the length of a spec, and not above `longest`."""
        wanted = min(spec.frames / spec.fps * self.fps, self.longest)
        most = (self.longest - self.frames_offset) // self.frames_step
        steps = min(max(1, round((wanted - self.frames_offset) / self.frames_step)), most)
        return self.frames_step * steps + self.frames_offset

    def size_for(self, spec: VideoSpec) -> tuple[int, int]:
        """Return width and height with the aspect ratio of a spec and the number of pixels that the family was made for."""
        if not self.other_sizes or spec.width * self.height == spec.height * self.width:
            return self.width, self.height
        scale = math.sqrt(self.width * self.height / (spec.width * spec.height))
        return self._multiple(spec.width * scale), self._multiple(spec.height * scale)

    def _multiple(self, pixels: float) -> int:
        return self.pixels_step * max(1, round(pixels / self.pixels_step))

    def arguments(self, spec: VideoSpec) -> dict[str, Any]:
        """Return the arguments for a clip of about the shape and length of a spec, besides prompt and noise."""
        width, height = self.size_for(spec)
        rate = {self.fps_argument: self.fps} if self.fps_argument else {}
        return {**self.call, **rate, "width": width, "height": height, self.frames_argument: self.frames_for(spec)}


_APACHE = "Apache-2.0"
_NOT_READ = "its text was not read here: read the model's card before use"
_NO_BARS = "nothing"
_LONG_PROMPTS = "cuts prompts after 512 tokens"
_NVIDIA = "NVIDIA Open Model License"
_GUARDRAIL = "prompts that the guardrail finds unsafe; the guardrail also changes unsafe frames and faces"
_SANA_CALL = {"use_resolution_binning": False}  # half of its own sizes are not multiples of 32, which it then refuses
_HUNYUAN = "Tencent Hunyuan Community License"
_HUNYUAN_BARS = (
    "no rights in the European Union, the United Kingdom and South Korea; others by its acceptable use policy"
)
_LTX_BARS = "commercial use from 10 million USD of revenue a year without a paid agreement; uses in its attachment A"

FAMILIES: tuple[Family, ...] = (
    Family(
        name="Wan 2.2 A14B", pipeline="WanPipeline",
        when=lambda index, transformer: index.get("boundary_ratio") is not None,
        width=1280, height=720, frames=81, longest=81, fps=16, frames_step=4, frames_offset=1, pixels_step=16,
        call={"guidance_scale": 4.0, "guidance_scale_2": 3.0, "num_inference_steps": 40}, float32=("vae",),
        memory="80 (with offloading); weights: 65", licence=_APACHE, bars=_NO_BARS, refuses=_LONG_PROMPTS,
        source="https://github.com/Wan-Video/Wan2.2",
    ),
    Family(
        name="Wan 2.2 TI2V-5B", pipeline="WanPipeline",
        when=lambda index, transformer: bool(index.get("expand_timesteps")),
        width=1280, height=704, frames=121, longest=121, fps=24, frames_step=4, frames_offset=1, pixels_step=32,
        float32=("vae",), memory="24 (with offloading); weights: 21", licence=_APACHE, bars=_NO_BARS, refuses=_LONG_PROMPTS,
        source="https://github.com/Wan-Video/Wan2.2",
    ),
    Family(
        name="Wan 2.1", pipeline="WanPipeline",
        width=832, height=480, frames=81, longest=81, fps=16, frames_step=4, frames_offset=1, pixels_step=16,
        float32=("vae",), memory="8.2 (1.3B, with offloading); weights of 14B: 40", licence=_APACHE, bars=_NO_BARS,
        refuses=_LONG_PROMPTS, source="https://github.com/Wan-Video/Wan2.1",
    ),
    Family(
        name="AnyFlow-Wan", pipeline="AnyFlowPipeline",
        width=832, height=480, frames=81, longest=81, fps=16, frames_step=4, frames_offset=1, pixels_step=16,
        call={"num_inference_steps": 4, "guidance_scale": 1.0}, float32=("vae",),
        memory="as Wan 2.1", licence="NVIDIA, `other` on its card", bars=_NOT_READ,
        refuses="cuts prompts after 512 tokens. Files whose index names `WanAnyFlowPipeline` are of another library",
        source="https://huggingface.co/nvidia/AnyFlow-Wan2.1-T2V-14B-Diffusers",
    ),
    Family(
        name="CogVideoX 1.5", pipeline="CogVideoXPipeline",
        when=lambda index, transformer: transformer.get("patch_size_t") is not None,
        width=1360, height=768, frames=81, longest=161, fps=16, frames_step=16, frames_offset=1, pixels_step=16,
        other_sizes=False, memory="76 (10 with offloading)", licence="CogVideoX License",
        bars="commercial use without registration", refuses="cuts prompts after 226 tokens; one size",
        source="https://github.com/zai-org/CogVideo",
    ),
    Family(
        name="CogVideoX", pipeline="CogVideoXPipeline",
        width=720, height=480, frames=49, longest=49, fps=8, frames_step=8, frames_offset=1, pixels_step=16,
        other_sizes=False, memory="2B: 18 (4 with offloading); 5B: 26 (5 with offloading)",
        licence="Apache-2.0 (2B), CogVideoX License (5B)", bars="5B: commercial use without registration",
        refuses="cuts prompts after 226 tokens; one size", source="https://github.com/zai-org/CogVideo",
    ),
    Family(
        name="LTX-Video", pipeline="LTXPipeline",
        width=704, height=512, frames=161, longest=257, fps=25, frames_step=8, frames_offset=1, pixels_step=32,
        fps_argument="frame_rate", memory="not stated; weights of 2B: 13",
        licence="OpenRAIL-M or LTX-Video Open Weights, by version", bars=_NOT_READ, refuses="cuts prompts after 128 tokens",
        source="https://github.com/Lightricks/LTX-Video",
    ),
    Family(
        name="LTX-2", pipeline="LTX2Pipeline",
        width=768, height=512, frames=121, longest=481, fps=24, frames_step=8, frames_offset=1, pixels_step=32,
        fps_argument="frame_rate", has_sound=True, memory="weights of LTX-2.5 (22B and 12B): 68",
        licence="LTX-2 or LTX-2.x Community License, by version", bars=_LTX_BARS, refuses="cuts prompts after 1,024 tokens",
        source="https://github.com/Lightricks/LTX-2",
    ),
    Family(
        name="HunyuanVideo 1.5 720p", pipeline="HunyuanVideo15Pipeline",
        when=lambda index, transformer: transformer.get("target_size") == 960,
        width=1280, height=720, frames=121, longest=121, fps=24, frames_step=4, frames_offset=1, pixels_step=16,
        together=False, memory="14 (with offloading); weights: 33", licence=_HUNYUAN, bars=_HUNYUAN_BARS, regions_barred=True,
        refuses="starts only if its licence is accepted; cuts prompts after 1,000 tokens",
        source="https://github.com/Tencent-Hunyuan/HunyuanVideo-1.5",
    ),
    Family(
        name="HunyuanVideo 1.5", pipeline="HunyuanVideo15Pipeline",
        width=848, height=480, frames=121, longest=121, fps=24, frames_step=4, frames_offset=1, pixels_step=16,
        together=False, memory="14 (with offloading); weights: 33", licence=_HUNYUAN, bars=_HUNYUAN_BARS, regions_barred=True,
        refuses="starts only if its licence is accepted; cuts prompts after 1,000 tokens",
        source="https://github.com/Tencent-Hunyuan/HunyuanVideo-1.5",
    ),
    Family(
        name="Kandinsky 5", pipeline="Kandinsky5T2VPipeline",
        width=768, height=512, frames=121, longest=121, fps=24, frames_step=4, frames_offset=1, pixels_step=128,
        together=False, memory="not stated; weights of Lite (2B): 21", licence="MIT", bars=_NO_BARS, needs=("torchvision",),
        refuses="cuts prompts after 512 tokens. Checkpoints named nocfg or distilled need another guidance",
        source="https://github.com/kandinskylab/Kandinsky-5",
    ),
    Family(
        name="Helios distilled", pipeline="HeliosPyramidPipeline",
        when=lambda index, transformer: bool(index.get("is_distilled")),
        width=640, height=384, frames=132, longest=1452, fps=24, frames_step=33, frames_offset=0, pixels_step=64,
        call={"pyramid_num_inference_steps_list": [2, 2, 2], "guidance_scale": 1.0, "is_amplify_first_chunk": True},
        float32=("vae",), together=False, memory="6 (with offloading); weights: 40", licence=_APACHE, bars=_NO_BARS,
        needs=("ftfy",), refuses=_LONG_PROMPTS, source="https://github.com/PKU-YuanGroup/Helios",
    ),
    Family(
        name="Helios Mid", pipeline="HeliosPyramidPipeline",
        width=640, height=384, frames=132, longest=1452, fps=24, frames_step=33, frames_offset=0, pixels_step=64,
        call={"pyramid_num_inference_steps_list": [20, 20, 20]},
        float32=("vae",), together=False, memory="6 (with offloading); weights: 40", licence=_APACHE, bars=_NO_BARS,
        needs=("ftfy",), refuses=_LONG_PROMPTS, source="https://github.com/PKU-YuanGroup/Helios",
    ),
    Family(
        name="Helios", pipeline="HeliosPipeline",
        width=640, height=384, frames=132, longest=1452, fps=24, frames_step=33, frames_offset=0, pixels_step=16,
        float32=("vae",), memory="6 (with offloading); weights: 40", licence=_APACHE, bars=_NO_BARS, needs=("ftfy",),
        refuses=_LONG_PROMPTS, source="https://github.com/PKU-YuanGroup/Helios",
    ),
    Family(
        name="Sana-Video 720p", pipeline="SanaVideoPipeline",
        when=lambda index, transformer: transformer.get("sample_size") == 22,
        width=1280, height=704, frames=81, longest=81, fps=16, frames_step=8, frames_offset=1, pixels_step=32,
        frames_argument="frames", call=_SANA_CALL, float32=("vae",), memory="not stated; weights: 10",
        licence="NVIDIA, on its card", bars=_NOT_READ, refuses="cuts prompts after 300 tokens", source="https://github.com/NVlabs/Sana",
    ),
    Family(
        name="Sana-Video", pipeline="SanaVideoPipeline",
        width=832, height=480, frames=81, longest=81, fps=16, frames_step=4, frames_offset=1, pixels_step=32,
        frames_argument="frames", call=_SANA_CALL, float32=("vae",), memory="not stated; weights: 10",
        licence="NVIDIA, on its card", bars=_NOT_READ, refuses="cuts prompts after 300 tokens", source="https://github.com/NVlabs/Sana",
    ),
    Family(
        name="Cosmos 2.5", pipeline="Cosmos2_5_PredictBasePipeline",
        width=1280, height=704, frames=93, longest=93, fps=16, frames_step=4, frames_offset=1, pixels_step=16,
        memory="not stated; weights of 2B: 21, and the guardrail's", licence=_NVIDIA, bars="use without the guardrail",
        needs=("cosmos_guardrail", "torchvision"), refuses=_GUARDRAIL,
        source="https://github.com/nvidia-cosmos/cosmos-predict2.5",
    ),
)  # fmt: skip
"""The first row that fits a pipeline describes it."""


def family_of(index: Config, transformer: Config) -> Family:
    """Return the row of a pipeline. Sizes that the transformer's config states replace those of the row.

    Args:
        index: the pipeline's `model_index.json`.
        transformer: the config of its transformer.

    Raises:
        ValueError: no family has the pipeline's class.
    """
    pipeline = index.get("_class_name")
    for family in FAMILIES:
        if family.pipeline == pipeline and family.when(index, transformer):
            if {"sample_width", "sample_height", "sample_frames"} <= transformer.keys():
                return replace(
                    family,
                    width=transformer["sample_width"] * _LATENT_PIXELS,
                    height=transformer["sample_height"] * _LATENT_PIXELS,
                    frames=transformer["sample_frames"],
                )
            return family
    raise ValueError(
        f"{pipeline} is not a pipeline of a supported family: {', '.join(family.name for family in FAMILIES)}"
    )


def missing_packages(family: Family) -> list[str]:
    """Return the packages that the family needs and that are not installed."""
    return [name for name in family.needs if importlib.util.find_spec(name) is None]
