"""Adapter for text-to-video pipelines of the `diffusers` library, of the families in `models.video.families`."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from models.video.diffusers_loading import load_pipeline, pipeline_folder, read_config, read_index, weights_version
from models.video.families import family_of, missing_packages
from models.video.generator import Frames, VideoGenerator, VideoSpec, check_prompts, fit_to_spec
from models.video.prompt_cache import PromptCache
from models.video.sound import Sound

_BATCH_SIZE = 4


class LicenceNotAccepted(ValueError):
    """The licence of a pipeline grants no right in some regions, and the operator has not accepted it."""


class DiffusersGenerator(VideoGenerator):
    """A pipeline from a folder or an id. Its weights are loaded by the first call of `generate`.

    The pipeline draws clips of the size that its family was made for, with the aspect ratio of the spec and the nearest valid
    length, which are then converted to the spec: for other sizes these models do not fail, but give poor results. A clip that
    is longer than the family's longest plays slower. Each clip has noise of its own from the CPU, and prompts are encoded one by
    one, so a clip does not depend on the other clips of a call. On a GPU its rounding depends on how many clips are drawn
    together; without one, clips are drawn one by one.

    Attributes:
        family: how the pipeline is called.

    Args:
        source: folder of a saved pipeline, or an id that `diffusers` can download or finds in its cache.
        accepted_licence: name of a licence that the operator has read and may use. Needed for families whose licence grants
            no right in some regions.

    Raises:
        ValueError: there is no such pipeline, it is not of a family, or a package is missing.
        LicenceNotAccepted: the licence has to be accepted first.
    """

    def __init__(self, source: str, accepted_licence: str = "") -> None:
        self._folder = pipeline_folder(source)
        self.family = family_of(read_index(self._folder), read_config(self._folder / "transformer"))
        self.name = self.family.pipeline
        if missing := missing_packages(self.family):
            raise ValueError(f"{self.name} needs packages that are not installed: {', '.join(missing)}")
        if self.family.regions_barred and accepted_licence != self.family.licence:
            raise LicenceNotAccepted(
                f"the {self.family.licence} of {self.family.name} grants {self.family.bars}; accept it by this name if you may"
            )
        self.batch_size = _BATCH_SIZE if torch.cuda.is_available() and self.family.together else 1
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._pipeline: Any = None
        self._version: str | None = None

    @property
    def version(self) -> str:
        """The pipeline's class, its downloaded commit or a digest of its files, and a digest of how it is called."""
        if self._version is None:
            settings = hashlib.sha256(repr(self.family).encode()).hexdigest()[:6]
            self._version = f"{self.name}-{weights_version(self._folder)}-{settings}"
        return self._version

    @property
    def spec(self) -> VideoSpec:
        """The size, length and frame rate that the family was made for."""
        return VideoSpec(self.family.width, self.family.height, self.family.frames, self.family.fps)

    def generate(self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec) -> Frames:
        """See `VideoGenerator.generate`. Also raises ValueError if the pipeline returns NaN or infinite values."""
        return self.generate_with_sound(prompts, seeds, spec)[0]

    def generate_with_sound(
        self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec
    ) -> tuple[Frames, Sequence[Sound | None]]:
        """See `VideoGenerator.generate_with_sound`. Also raises ValueError if the pipeline returns NaN or infinite values."""
        check_prompts(prompts, seeds)
        clips: list[tuple[Frames, Sound | None]] = []
        for first in range(0, len(prompts), self.batch_size):
            chosen = slice(first, first + self.batch_size)
            clips += self._clips(prompts[chosen], seeds[chosen], spec)
        return np.stack([frames for frames, _ in clips]), [sound for _, sound in clips]

    def _clips(
        self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec
    ) -> Iterator[tuple[Frames, Sound | None]]:
        """Draw clips by one call of the pipeline."""
        pipeline = self._load()
        noise = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        with torch.inference_mode():
            output = pipeline(prompt=list(prompts), generator=noise, output_type="np", **self.family.arguments(spec))
        for n, frames in enumerate(output.frames):
            sound = None
            if self.family.has_sound:
                samples = output.audio[n].float().cpu().numpy()
                self._check_finite(samples)
                sound = Sound(np.clip(samples, -1, 1), pipeline.vocoder.config.output_sampling_rate)
                sound = sound.lasting(spec.frames / spec.fps)
            self._check_finite(frames)
            yield fit_to_spec((np.clip(frames, 0, 1) * 255 + 0.5).astype(np.uint8), spec), sound

    def _check_finite(self, values: np.ndarray) -> None:
        if not np.isfinite(values).all():
            raise ValueError(f"{self.version} returned values that are not finite")

    def _load(self) -> Any:
        if self._pipeline is None:
            self._pipeline = load_pipeline(self._folder, self._device, self.family.float32)
            self._pipeline.encode_prompt = PromptCache(self._pipeline.encode_prompt)
        return self._pipeline
