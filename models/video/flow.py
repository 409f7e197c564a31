"""Text to video by flow matching: a small diffusion transformer in the latent space of an autoencoder of clips.

The transformer learns the straight path from noise to latent (Lipman et al., "Flow Matching for Generative Modeling", and Liu
et al., "Flow Straight and Fast", ICLR 2023). It predicts the latent instead of the velocity, which is easier to learn for data
of few degrees of freedom (Li and He, "Back to Basics: Let Denoising Generative Models Denoise", 2025). Some captions are left
out in training, so that a clip can be drawn further away from what it would be without its prompt (classifier-free guidance: Ho
and Salimans, 2022).
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.cartoons.captions import LANGUAGES
from models.video.cartoons.corpus import Clips, partial, write_caption
from models.video.cartoons.descriptions import Description
from models.video.flow_network import ClipAutoencoder, FlowTransformer
from models.video.frames import encoder_inputs
from models.video.layers import MAP_SIZE
from models.video.network_generator import NetworkGenerator, rate_factor

_LATENT_NOISE = 0.15
"""Standard deviation of the noise that the decoder learns to ignore."""
_WITHOUT_TEXT = 0.1
"""Share of clips that are trained without their caption."""
_MEAN_TIME = -0.7
"""Mean of the logit of the times in training: early times, at which the prompt decides what is drawn, are more frequent."""


@dataclass(frozen=True)
class FlowConfig:
    """Hyperparameters of the flow generator. The same config gives the same model.

    Attributes:
        recipe: increase it by hand if corpus or networks change, so that the model is trained again.
        frames, fps: length and frame rate of the clips.
        clips_per_scene, composed_clips: clips of every scene, and of moving objects.
        captions: training data of the text encoder.
        text_steps, autoencoder_steps, flow_steps: training steps of each network.
        text_embedding_size: length of the vectors of the text encoder.
        autoencoder_batch_size, batch_size: clips for each training step of the autoencoder, with one frame each, and latents for
            each of the transformer. Many small steps reach more in the same time than few large ones.
        autoencoder_learning_rate, learning_rate: maximum, after a short warm-up; it then decays to 0 along a cosine.
        embedding_size: length of a vector of the latent.
        autoencoder_hidden_size: channels of the autoencoder.
        hidden_size, layers: of the transformer.
        sampling_steps: from noise to latent.
        guidance: weight of the prompt; 1 is no guidance.
        seed: of initial weights, training data and batches.
    """

    recipe: int = 1
    frames: int = 16
    fps: int = 8
    clips_per_scene: int = 48
    composed_clips: int = 2200
    captions: int = 12_000
    text_steps: int = 350
    autoencoder_steps: int = 2500
    flow_steps: int = 5000
    text_embedding_size: int = 64
    autoencoder_batch_size: int = 8
    batch_size: int = 8
    autoencoder_learning_rate: float = 2e-3
    learning_rate: float = 1.5e-3
    embedding_size: int = 8
    autoencoder_hidden_size: int = 80
    hidden_size: int = 128
    layers: int = 5
    sampling_steps: int = 12
    guidance: float = 1.5
    seed: int = 0

    @property
    def steps(self) -> int:
        """Training steps of autoencoder and transformer."""
        return self.autoencoder_steps + self.flow_steps


@dataclass(frozen=True)
class AutoencoderStep:
    """Loss of one training step of the autoencoder: mean squared error of pixels (0 to 1)."""

    mse: float


@dataclass(frozen=True)
class FlowStep:
    """Loss of one training step of the transformer: mean squared error of the standardised latent."""

    latent_mse: float


class FlowGenerator(NetworkGenerator):
    """Draws clips of any combination of the words that it was trained on."""

    name = "flow"
    nightly: ClassVar[FlowConfig] = FlowConfig()
    config: FlowConfig
    history: list[AutoencoderStep | FlowStep]

    def _networks(self) -> dict[str, nn.Module]:
        config = self.config
        self.autoencoder = ClipAutoencoder(
            config.frames, config.embedding_size, config.autoencoder_hidden_size, config.text_embedding_size
        )
        self.transformer = FlowTransformer(
            config.embedding_size + 2, config.text_embedding_size, config.hidden_size, config.layers
        )
        return {"autoencoder": self.autoencoder, "transformer": self.transformer}

    def fit(self, clips: Clips, on_step: Callable[[int, Any], object] = lambda step, losses: None) -> Self:
        """Train the text encoder on captions, then the autoencoder on clips, then the transformer on both.

        Args:
            clips: (N, T, S, S, 3) frames with their descriptions.
            on_step: called after each step with its number, from 1, and its losses.
        """
        rng = torch.Generator().manual_seed(self.config.seed)
        self.history = []
        self._fit_text(clips, rng)
        self._fit_autoencoder(clips, rng, on_step)
        self._fit_transformer(clips, rng, on_step)
        self._round_weights()
        return self

    def _fit_autoencoder(self, clips: Clips, rng: torch.Generator, on_step: Callable[[int, Any], object]) -> None:
        config, autoencoder = self.config, self.autoencoder
        frames, motion = torch.from_numpy(clips.frames), torch.from_numpy(clips.motion)
        inputs = encoder_inputs(frames)
        chance = np.random.default_rng(config.seed)
        optimizer, schedule = _optimizer(autoencoder, config.autoencoder_learning_rate, config.autoencoder_steps)
        autoencoder.train()
        for _ in range(config.autoencoder_steps):
            batch = torch.randint(len(frames), (config.autoencoder_batch_size,), generator=rng)
            numbers = torch.randint(config.frames, (len(batch),), generator=rng)
            target = frames[batch, numbers].permute(0, 3, 1, 2).float() / 255
            latents = autoencoder.encode(inputs[batch], motion[batch])
            noise = _LATENT_NOISE * torch.randn(latents.shape, generator=rng)
            noise[:, -2:] = 0  # the motion is exact
            pooled = self.text.encode(_captions([clips.descriptions[i] for i in batch.tolist()], chance)).pooled
            loss = F.mse_loss(autoencoder.decode(latents + noise, pooled, numbers / config.frames), target)
            _step(loss, autoencoder, optimizer, schedule)
            self.history.append(AutoencoderStep(loss.item()))
            on_step(len(self.history), self.history[-1])

    def _fit_transformer(self, clips: Clips, rng: torch.Generator, on_step: Callable[[int, Any], object]) -> None:
        """Minimise the squared error of the latent at random times, which are logit-normal (Esser et al., ICML 2024)."""
        config, transformer = self.config, self.transformer
        latents, descriptions = self._latents(clips)
        chance = np.random.default_rng(config.seed)
        optimizer, schedule = _optimizer(transformer, config.learning_rate, config.flow_steps)
        transformer.train()
        for _ in range(config.flow_steps):
            batch = torch.randint(len(latents), (config.batch_size,), generator=rng)
            captions = _captions([descriptions[i] for i in batch.tolist()], chance)
            data, noise = latents[batch], torch.randn(len(batch), *latents.shape[1:], generator=rng)
            times = (_MEAN_TIME + torch.randn(len(batch), generator=rng)).sigmoid()
            t = times[:, None, None, None]
            mixed = (1 - t) * noise + t * data
            without_text = torch.rand(len(batch), generator=rng) < _WITHOUT_TEXT
            predicted = transformer(mixed, times, self.text.encode(captions), without_text)
            loss = F.mse_loss(predicted, data)
            _step(loss, transformer, optimizer, schedule)
            self.history.append(FlowStep(loss.item()))
            on_step(len(self.history), self.history[-1])

    @torch.no_grad()
    def _latents(self, clips: Clips) -> tuple[Tensor, list[Description]]:
        """Return standardised latents, and what they show, of all clips and of mirrored clips of objects."""
        mirrored = [n for n, d in enumerate(clips.descriptions) if not d.is_scene and not d.mirrored().is_held_out]
        descriptions = clips.descriptions + [clips.descriptions[n].mirrored() for n in mirrored]
        frames, motion = torch.from_numpy(clips.frames), torch.from_numpy(clips.motion)
        self.autoencoder.eval()
        parts = [
            self.autoencoder.encode(encoder_inputs(frames[part]), motion[part]) for part in _parts(range(len(frames)))
        ]
        for part in _parts(mirrored):
            inputs = encoder_inputs(frames[part].flip(3))
            parts.append(self.autoencoder.encode(inputs, motion[part] * torch.tensor([-1.0, 1.0])))
        latents = torch.cat(parts)
        self.autoencoder.set_scale(latents)
        return self.autoencoder.standardise(latents), descriptions

    def _draw(self, prompt: str, rng: torch.Generator) -> Tensor:
        """Follow the flow from noise to a latent with Euler's method, and decode it."""
        config = self.config
        # The second of the two prompts is left out: both are computed in one batch.
        vectors, without_text = self.text.encode([prompt, prompt]), torch.tensor([False, True])
        latent = torch.randn(1, config.embedding_size + 2, MAP_SIZE, MAP_SIZE, generator=rng)
        times = torch.linspace(0, 1, config.sampling_steps + 1)
        for now, after in itertools.pairwise(times):
            with_text, without = self.transformer(latent.expand(2, -1, -1, -1), now.expand(2), vectors, without_text)
            target = without + config.guidance * (with_text - without)
            latent = latent + (after - now) / (1 - now) * (target - latent)
        latents = self.autoencoder.unstandardise(latent).expand(config.frames, -1, -1, -1)
        pooled = vectors.pooled[:1].expand(config.frames, -1)
        return self.autoencoder.decode(latents, pooled, torch.arange(config.frames) / config.frames)


def _optimizer(network: nn.Module, learning_rate: float, steps: int) -> tuple[torch.optim.Optimizer, Any]:
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=(0.9, 0.99), fused=True)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_factor(step, steps))


def _step(loss: Tensor, network: nn.Module, optimizer: torch.optim.Optimizer, schedule: Any) -> None:
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    schedule.step()


def _captions(descriptions: list[Description], rng: np.random.Generator) -> list[str]:
    return [write_caption(partial(d, rng), LANGUAGES[n % 2], rng) for n, d in enumerate(descriptions)]


def _parts(numbers: Sequence[int]) -> Iterator[list[int]]:
    for first in range(0, len(numbers), 64):
        yield list(numbers[first : first + 64])
