"""The contract of all video generators: prompts and seeds in, frames out."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from models.video.cartoons.scenes import Captions, Clips

Frames = NDArray[np.uint8]
"""A clip (T, H, W, 3), or clips (N, T, H, W, 3): sRGB, uint8."""


@dataclass(frozen=True)
class VideoSpec:
    """What every clip of a night looks like from outside.

    Attributes:
        width, height: pixels, even (H.264 with 4:2:0 chroma needs it).
        frames: number of frames.
        fps: frames a second.

    Raises:
        ValueError: a number is out of range.
    """

    width: int
    height: int
    frames: int
    fps: int

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 16 or self.width % 2 or self.height % 2:
            raise ValueError(f"width and height must be even and at least 16 pixels, not {self.width} x {self.height}")
        if self.frames < 2 or self.fps < 1:
            raise ValueError(f"a clip needs at least 2 frames and 1 frame a second, not {self.frames} and {self.fps}")


class VideoGenerator(ABC):
    """Makes clips from text."""

    name: str
    """Which generator it is, e.g. `vae`."""

    @property
    @abstractmethod
    def version(self) -> str:
        """Names everything but prompt, seed and spec that decides the frames: weights and settings."""

    @property
    @abstractmethod
    def spec(self) -> VideoSpec:
        """The size, length and rate that suit this generator."""

    @abstractmethod
    def generate(self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec) -> Frames:
        """Makes a clip for each prompt.

        Args:
            prompts: N prompts.
            seeds: N seeds; the same prompt, seed, spec and version give the same clip.
            spec: size and length.

        Returns:
            (N, T, H, W, 3) uint8, as `spec` says.

        Raises:
            ValueError: a prompt is empty, or the numbers of prompts and seeds differ.
        """


class TrainingConfig(Protocol):
    """What decides a trained generator: a frozen dataclass. Two of the same config are the same model."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def frames(self) -> int:
        """Length of the clips that it learns."""

    @property
    def fps(self) -> int:
        """Their frames a second."""

    @property
    def steps(self) -> int:
        """Training steps."""


class TrainedGenerator(VideoGenerator):
    """A generator that the project trains itself, on clips that it renders: a module here, and a line in the registry."""

    nightly: ClassVar[TrainingConfig]
    """The config that nights train it with."""
    config: TrainingConfig
    history: Sequence[Any]
    """The figures of each training step, a dataclass of numbers."""

    @abstractmethod
    def __init__(self, config: Any = None) -> None:
        """config: `nightly` unless given."""

    @classmethod
    def family(cls) -> str:
        """Names all versions that nights train with the same config."""
        config = json.dumps(asdict(cls.nightly), sort_keys=True)
        return f"{cls.name}-{hashlib.sha256(config.encode()).hexdigest()[:12]}"

    @abstractmethod
    def training_data(self) -> tuple[Clips, Captions]:
        """The clips and captions that the config asks for."""

    @abstractmethod
    def fit(self, clips: Clips, captions: Captions, on_step: Callable[[int, Any], object] = ...) -> Self:
        """Learns to draw clips.

        Args:
            clips: (N, T, S, S, 3) frames with scenes and colours.
            captions: texts with scenes and colours.
            on_step: told of each step, counted from 1, and its figures.
        """

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Writes the trained generator into a directory that exists."""

    @classmethod
    @abstractmethod
    def load(cls, directory: Path) -> Self:
        """Reads what `save` wrote.

        Raises:
            ValueError: the files are missing, or are not of this class.
        """


def check_prompts(prompts: Sequence[str], seeds: Sequence[int]) -> None:
    """What every generator refuses: see `VideoGenerator.generate`."""
    if len(prompts) != len(seeds):
        raise ValueError(f"{len(prompts)} prompts but {len(seeds)} seeds; give one seed for each prompt")
    for prompt in prompts:
        if not prompt.strip():
            raise ValueError("a prompt is empty; say what the clip is to show")


def fit_to_spec(clip: Frames, spec: VideoSpec) -> Frames:
    """A clip of another size or length, (T', H', W', 3), as (T, H, W, 3): Lanczos in space, the nearest frame in time."""
    nearest = np.minimum((np.arange(spec.frames) + 0.5) * len(clip) / spec.frames, len(clip) - 1).astype(int)
    size = (spec.width, spec.height)
    if clip.shape[1:3] == (spec.height, spec.width):
        return clip[nearest]
    resized = [np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS)) for frame in clip]
    return np.stack(resized)[nearest]
