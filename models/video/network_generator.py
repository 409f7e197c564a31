"""What the project's own generators share: the text encoder, training data, and how weights are rounded, saved and named."""

from __future__ import annotations

import hashlib
import json
import math
from abc import abstractmethod
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from models.video.cartoons.corpus import described_captions
from models.video.cartoons.descriptions import ATTRIBUTES, labels
from models.video.frames import FRAME_SIZE
from models.video.generator import Frames, TrainedGenerator, VideoSpec, check_prompts, fit_to_spec
from models.video.text import TextEncoder, fit_text_encoder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_WEIGHTS = "model.safetensors"
_CONFIG = "config.json"
_SUBJECTS = ", ".join(name.replace("_", " ") for name in ATTRIBUTES["subject"])


class NetworkGenerator(TrainedGenerator):
    """A text encoder, and networks that draw clips of what it has read.

    A subclass creates its networks in `_networks`, trains them in `fit` and draws one clip in `_draw`.
    """

    config: Any
    """A dataclass with the fields that the methods of this class read."""

    draws = f"{_SUBJECTS}; or a backdrop: {', '.join(ATTRIBUTES['backdrop'])}"

    def __init__(self, config: Any = None) -> None:
        self.config = config or self.nightly
        self.history = []
        self.text_history: list[float] = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            self.text = TextEncoder(self.config.text_embedding_size)
            self.networks = nn.ModuleDict({"text": self.text, **self._networks()})
        self.networks.to(memory_format=torch.channels_last)

    @abstractmethod
    def _networks(self) -> dict[str, nn.Module]:
        """Create the networks, with random weights."""

    @abstractmethod
    def _draw(self, prompt: str, rng: torch.Generator) -> Tensor:
        """Return the frames (T, 3, S, S), about 0 to 1, of one clip."""

    @property
    def version(self) -> str:
        """The name and a digest of weights and config."""
        sha = hashlib.sha256(json.dumps(asdict(self.config), sort_keys=True).encode())
        sha.update(safetensors.torch.save(self._weights()))
        return f"{self.name}-{sha.hexdigest()[:12]}"

    @property
    def spec(self) -> VideoSpec:
        """Four times the size of the networks' frames, which looks better on a screen."""
        return VideoSpec(4 * FRAME_SIZE, 4 * FRAME_SIZE, self.config.frames, self.config.fps)

    def understood(self, prompt: str) -> list[str]:
        """Return the attributes that the prompt names; empty if it names no subject and no backdrop."""
        (said,) = self.text.read([prompt])
        if said.subject is None and said.backdrop is None:
            return []
        return [value.replace("_", " ") for value in asdict(said).values() if value]

    @torch.inference_mode()
    def generate(self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec) -> Frames:
        """See `VideoGenerator.generate`. Clips are computed one by one, so none depends on the other prompts."""
        check_prompts(prompts, seeds)
        self.networks.eval()
        clips = []
        for prompt, seed in zip(prompts, seeds, strict=True):
            frames = self._draw(prompt, torch.Generator().manual_seed(seed))
            clip = (frames.clamp(0, 1) * 255 + 0.5).to(torch.uint8).permute(0, 2, 3, 1)
            clips.append(fit_to_spec(clip.contiguous().numpy(), spec))
        return np.stack(clips)

    def save(self, directory: Path) -> None:
        """Write weights (safetensors) and config (JSON) into an existing directory."""
        safetensors.torch.save_file(self._weights(), directory / _WEIGHTS)
        (directory / _CONFIG).write_text(json.dumps(asdict(self.config), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load a generator that `save` wrote.

        Raises:
            ValueError: files are missing, or belong to another class.
        """
        try:
            saved: dict[str, Any] = dict(json.loads((directory / _CONFIG).read_text(encoding="utf-8")))
            generator = cls(type(cls.nightly)(**saved))
            weights = safetensors.torch.load_file(directory / _WEIGHTS)
            generator.networks.load_state_dict({name: value.float() for name, value in weights.items()})
        except (OSError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
            raise ValueError(f"{directory} contains no saved {cls.name} generator: {error}") from error
        return generator

    def _fit_text(self, rng: torch.Generator) -> None:
        """Train the text encoder on captions."""
        texts, said = described_captions(self.config.captions, self.config.seed)
        stated = torch.from_numpy(labels(said))
        self.text_history = fit_text_encoder(self.text, texts, stated, steps=self.config.text_steps, rng=rng)
        self.text.eval().requires_grad_(False)

    def _weights(self) -> dict[str, Tensor]:
        """Return all weights in half precision; training rounds them to it."""
        return {name: value.half().contiguous() for name, value in self.networks.state_dict().items()}

    def _round_weights(self) -> None:
        with torch.no_grad():
            for value in self.networks.state_dict().values():
                value.copy_(value.half().float())


def rate_factor(step: int, steps: int) -> float:
    """Return the factor of the learning rate: linear warm-up in 50 steps, then cosine decay."""
    return min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
