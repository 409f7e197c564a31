"""Interface of all video generators: prompts and seeds in, frames out."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from models.video.cartoons.corpus import Clips
    from models.video.sound import Sound
    from models.video.training import Training

Frames = NDArray[np.uint8]
"""A clip (T, H, W, 3), or clips (N, T, H, W, 3): sRGB, uint8."""


@dataclass(frozen=True)
class VideoSpec:
    """Size, length and frame rate of clips.

    Attributes:
        width, height: pixels, even (H.264 with 4:2:0 chroma needs it).
        frames: number of frames.
        fps: frames per second.

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
            raise ValueError(f"a clip needs at least 2 frames and 1 frame per second, not {self.frames} and {self.fps}")


class VideoGenerator(ABC):
    """Base class: generates clips from text."""

    name: str
    """Name of the generator, e.g. `vae`."""

    @property
    @abstractmethod
    def version(self) -> str:
        """Identifies weights and settings: everything besides prompt, seed and spec that determines the frames."""

    @property
    @abstractmethod
    def spec(self) -> VideoSpec:
        """The default size, length and frame rate of this generator."""

    batch_size: int = 1
    """Number of clips of one shape to draw by one call, if there are as many: 1 if together they take as long as one by one."""

    draws: str = "anything"
    """What it can draw, in words."""

    def understood(self, prompt: str) -> list[str] | None:
        """Return what it reads in a prompt and will draw, in words.

        Returns:
            Empty if it would draw something else than the prompt says. None if it reads any text.
        """
        return None

    @abstractmethod
    def generate(self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec) -> Frames:
        """Generate a clip for each prompt.

        Args:
            prompts: N prompts.
            seeds: N seeds; the same prompt, seed, spec and version give the same clip.
            spec: size and length.

        Returns:
            (N, T, H, W, 3) uint8, with the size and length of `spec`.

        Raises:
            ValueError: a prompt is empty, or the numbers of prompts and seeds differ.
        """

    def generate_with_sound(
        self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec
    ) -> tuple[Frames, Sequence[Sound | None]]:
        """Generate a clip for each prompt, with its sound if the generator makes any: see `generate`.

        Returns:
            (N, T, H, W, 3) uint8 as `generate` returns it, and N sounds as long as the clips, None for silent clips.
        """
        return self.generate(prompts, seeds, spec), [None] * len(prompts)


class TrainingConfig(Protocol):
    """Hyperparameters of a trained generator: a frozen dataclass. The same config gives the same model."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def frames(self) -> int:
        """Number of frames of its clips."""

    @property
    def fps(self) -> int:
        """Frames per second of its clips."""

    @property
    def text_encoder(self) -> str:
        """Path or id of the text encoder; empty for the project's own."""

    @property
    def steps(self) -> int:
        """Number of training steps."""

    def longer(self, times: int) -> Self:
        """Return the config of a training with `times` as many steps."""


class TrainedGenerator(VideoGenerator):
    """A generator that the project trains itself, on rendered clips. Add a module here and a line to the registry."""

    nightly: ClassVar[TrainingConfig]
    """The config that the nightly run trains it with."""
    config: TrainingConfig
    history: Sequence[Any]
    """Losses of each training step: dataclasses of numbers."""

    @abstractmethod
    def __init__(self, config: Any = None) -> None:
        """Create an untrained generator.

        Args:
            config: default: `nightly`.
        """

    @property
    def family(self) -> str:
        """The name that is shared by all versions trained with this config."""
        config = json.dumps(asdict(self.config), sort_keys=True)
        return f"{self.name}-{hashlib.sha256(config.encode()).hexdigest()[:12]}"

    @abstractmethod
    def training_data(self) -> Clips:
        """Return the clips that the config specifies."""

    @abstractmethod
    def fit(self, clips: Clips, training: Training | None = None) -> Self:
        """Train the generator on clips and captions of what they show.

        Args:
            clips: (N, T, S, S, 3) frames with their descriptions.
            training: where its steps are reported and its state is kept; default: nowhere.
        """

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Write the trained generator into an existing directory."""

    @classmethod
    @abstractmethod
    def load(cls, directory: Path) -> Self:
        """Load a generator that `save` wrote.

        Raises:
            ValueError: files are missing, or belong to another class.
        """


def check_prompts(prompts: Sequence[str], seeds: Sequence[int]) -> None:
    """Raise ValueError for invalid prompts and seeds: see `VideoGenerator.generate`."""
    if len(prompts) != len(seeds):
        raise ValueError(f"{len(prompts)} prompts but {len(seeds)} seeds; give one seed for each prompt")
    for prompt in prompts:
        if not prompt.strip():
            raise ValueError("a prompt is empty; describe what the clip should show")


def fit_to_spec(clip: Frames, spec: VideoSpec) -> Frames:
    """Convert a clip (T', H', W', 3) to the size and length of a spec: Lanczos in space, the nearest frame in time."""
    nearest = np.minimum((np.arange(spec.frames) + 0.5) * len(clip) / spec.frames, len(clip) - 1).astype(int)
    size = (spec.width, spec.height)
    if clip.shape[1:3] == (spec.height, spec.width):
        return clip[nearest]
    resized = [np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS)) for frame in clip]
    return np.stack(resized)[nearest]
