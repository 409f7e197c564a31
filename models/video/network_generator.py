"""What the project's own generators share: text encoder, decoder, and how weights are rounded, saved and named."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from models.video.cartoons.corpus import described_captions
from models.video.cartoons.descriptions import ATTRIBUTES, labels
from models.video.clip_decoder import ClipDecoder
from models.video.frames import FRAME_SIZE
from models.video.generator import Frames, TrainedGenerator, VideoSpec, check_prompts, fit_to_spec
from models.video.ngram_text import NgramEncoder
from models.video.training import Training, random_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.video.cartoons.corpus import Clips
    from models.video.latents import Latents
    from models.video.text import TextEncoder

_WEIGHTS = "model.safetensors"
_CONFIG = "config.json"
_TEXT_ENCODER = "text_encoder"
_APART = 0.28  # distance of objects that do not touch, as a fraction of the frame
_SUBJECTS = ", ".join(name.replace("_", " ") for name in ATTRIBUTES["subject"])


class NetworkGenerator(TrainedGenerator):
    """A text encoder, networks from texts to latents, and a decoder from latents to frames.

    A subclass creates its networks in `_networks`, trains them in `_fit_latents` and draws latents in `_candidates`.
    """

    config: Any
    """A `DecoderConfig` with the fields of the subclass."""
    draws = f"{_SUBJECTS}; or a backdrop: {', '.join(ATTRIBUTES['backdrop'])}"

    def __init__(self, config: Any = None) -> None:
        self.config = config or self.nightly
        self.history = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            self.text = self._text_encoder()
            self.decoder = ClipDecoder(self.config)
            self.networks = nn.ModuleDict({"text": self.text, "decoder": self.decoder, **self._networks()})
        self.networks.to(memory_format=torch.channels_last)

    def _text_encoder(self) -> TextEncoder:
        if not self.config.text_encoder:
            return NgramEncoder(self.config.text_embedding_size)
        from models.video.pretrained_text import PretrainedEncoder  # transformers takes seconds to import

        return PretrainedEncoder(self.config.text_encoder, self.config.text_embedding_size)

    @abstractmethod
    def _networks(self) -> dict[str, nn.Module]:
        """Create the networks from texts to latents, with random weights."""

    @abstractmethod
    def _fit_latents(self, training: Training) -> None:
        """Train these networks. Text encoder and decoder are trained already."""

    @abstractmethod
    def _candidates(self, prompt: str, rng: torch.Generator) -> Latents:
        """Return latents of some clips of a prompt; the one whose objects are best apart is drawn."""

    def training_data(self) -> Clips:
        """Return the clips that the config specifies."""
        return self.decoder.clips()

    def fit(self, clips: Clips, training: Training | None = None) -> Self:
        """Train the text encoder on captions, the decoder on clips, then the networks between them."""
        training = training or Training()
        self.history = training.history
        self._fit_text(training)
        self.decoder.fit(clips, training)
        self.decoder.eval().requires_grad_(False)
        self._fit_latents(training)
        self._round_weights()
        return self

    def _draw(self, prompt: str, rng: torch.Generator) -> Tensor:
        """Return the frames (T, 3, S, S), about 0 to 1, of one clip."""
        candidates = self._candidates(prompt, rng)
        middles = candidates.centres[:, :, self.config.frames // 2]
        distances = torch.cdist(middles, middles) + torch.eye(middles.shape[1])
        best = distances.nan_to_num(_APART).flatten(1).amin(1).clamp(max=_APART).argmax()
        frames: Tensor = self.decoder(candidates[best[None]])[0]
        return frames

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
        """Write weights (safetensors), config (JSON) and a pre-trained text encoder into an existing directory."""
        safetensors.torch.save_file(self._weights(), directory / _WEIGHTS)
        (directory / _CONFIG).write_text(json.dumps(asdict(self.config), indent=1) + "\n", encoding="utf-8")
        self.text.save_pretrained(directory / _TEXT_ENCODER)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load a generator that `save` wrote.

        Raises:
            ValueError: files are missing, or belong to another class.
        """
        try:
            saved: dict[str, Any] = dict(json.loads((directory / _CONFIG).read_text(encoding="utf-8")))
            config = type(cls.nightly)(**saved)
            encoder = str(directory / _TEXT_ENCODER) if config.text_encoder else ""
            generator = cls(replace(config, text_encoder=encoder))
            generator.config = config
            weights = safetensors.torch.load_file(directory / _WEIGHTS)
            generator.networks.load_state_dict({name: value.float() for name, value in weights.items()})
        except (OSError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
            raise ValueError(f"{directory} contains no saved {cls.name} generator: {error}") from error
        return generator

    def _fit_text(self, training: Training) -> None:
        """Train the text encoder on captions."""
        config = self.config
        texts, said = described_captions(config.captions, config.seed)
        rng = random_numbers("text", config.seed)
        self.text.fit(texts, torch.from_numpy(labels(said)), steps=config.text_steps, rng=rng, training=training)
        self.text.eval().requires_grad_(False)

    def _weights(self) -> dict[str, Tensor]:
        """Return all weights in half precision; training rounds them to it."""
        return {name: value.half().contiguous() for name, value in self.networks.state_dict().items()}

    def _round_weights(self) -> None:
        with torch.no_grad():
            for value in self.networks.state_dict().values():
                value.copy_(value.half().float())
