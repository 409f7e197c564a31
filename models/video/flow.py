"""Text to video by flow matching: a small diffusion transformer plans a clip, and a decoder draws it.

The transformer learns the straight path from noise to plan (Lipman et al., "Flow Matching for Generative Modeling", and Liu
et al., "Flow Straight and Fast", ICLR 2023). It predicts the plan instead of the velocity, which is easier to learn for data
of few degrees of freedom (Li and He, "Back to Basics: Let Denoising Generative Models Denoise", 2025). Some captions are left
out in training, so that a clip can be drawn further away from what it would be without its prompt (classifier-free guidance:
Ho and Salimans, 2022).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.cartoons.captions import LANGUAGES
from models.video.cartoons.corpus import Clips, partial, write_caption
from models.video.cartoons.descriptions import Description
from models.video.flow_network import PLAN_CHANNELS, FlowTransformer, PlanDecoder, plans
from models.video.layers import MAP_SIZE
from models.video.network_generator import NetworkGenerator, rate_factor

_PLAN_NOISE = 0.25
"""Largest standard deviation of the noise in plans that the decoder learns to ignore."""
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
        text_steps, decoder_steps, flow_steps: training steps of text encoder, decoder and transformer.
        text_embedding_size: length of the vectors of the text encoder.
        batch_size: clips for each training step of decoder and transformer. Many small steps reach more than few large ones.
        decoder_learning_rate, learning_rate: maximum, after a short warm-up; it then decays to 0 along a cosine.
        decoder_hidden_size: channels of the decoder.
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
    decoder_steps: int = 3500
    flow_steps: int = 4000
    text_embedding_size: int = 64
    batch_size: int = 8
    decoder_learning_rate: float = 3e-3
    learning_rate: float = 2e-3
    decoder_hidden_size: int = 80
    hidden_size: int = 128
    layers: int = 4
    sampling_steps: int = 12
    guidance: float = 2.0
    seed: int = 0

    @property
    def steps(self) -> int:
        """Training steps of decoder and transformer."""
        return self.decoder_steps + self.flow_steps


@dataclass(frozen=True)
class DecoderStep:
    """Loss of one training step of the decoder: mean squared error of pixels (0 to 1)."""

    mse: float


@dataclass(frozen=True)
class FlowStep:
    """Loss of one training step of the transformer: mean squared error of the plan."""

    plan_mse: float


class FlowGenerator(NetworkGenerator):
    """Draws clips of any combination of the words that it was trained on."""

    name = "flow"
    nightly: ClassVar[FlowConfig] = FlowConfig()
    config: FlowConfig
    history: list[DecoderStep | FlowStep]

    def _networks(self) -> dict[str, nn.Module]:
        config = self.config
        self.decoder = PlanDecoder(config.decoder_hidden_size, config.text_embedding_size)
        self.transformer = FlowTransformer(config.text_embedding_size, config.hidden_size, config.layers)
        return {"decoder": self.decoder, "transformer": self.transformer}

    def fit(self, clips: Clips, on_step: Callable[[int, Any], object] = lambda step, losses: None) -> Self:
        """Train the text encoder on captions, then the decoder and the transformer on both.

        Args:
            clips: (N, T, S, S, 3) frames with their descriptions.
            on_step: called after each step with its number, from 1, and its losses.
        """
        rng = torch.Generator().manual_seed(self.config.seed)
        self.history = []
        self._fit_text(clips, rng)
        self._fit_decoder(clips, rng, on_step)
        self._fit_transformer(clips, rng, on_step)
        self._round_weights()
        return self

    def _fit_decoder(self, clips: Clips, rng: torch.Generator, on_step: Callable[[int, Any], object]) -> None:
        config, decoder = self.config, self.decoder
        frames = torch.from_numpy(clips.frames)
        planned = plans(frames, torch.from_numpy(clips.motion))
        chance = np.random.default_rng(config.seed)
        optimizer, schedule = _optimizer(decoder, config.decoder_learning_rate, config.decoder_steps)
        decoder.train()
        for _ in range(config.decoder_steps):
            batch = torch.randint(len(frames), (config.batch_size,), generator=rng)
            numbers = torch.randint(config.frames, (len(batch),), generator=rng)
            target = frames[batch, numbers].permute(0, 3, 1, 2).float() / 255
            pooled = self.text.encode(_captions([clips.descriptions[i] for i in batch.tolist()], chance)).pooled
            noise = torch.randn(len(batch), *planned.shape[1:], generator=rng)
            noise *= _PLAN_NOISE * torch.rand(len(batch), 1, 1, 1, generator=rng)
            noise[:, -2:] = 0  # the decoder takes the mean of the motion
            loss = F.mse_loss(decoder(planned[batch] + noise, pooled, numbers / config.frames), target)
            _step(loss, decoder, optimizer, schedule)
            self.history.append(DecoderStep(loss.item()))
            on_step(len(self.history), self.history[-1])

    def _fit_transformer(self, clips: Clips, rng: torch.Generator, on_step: Callable[[int, Any], object]) -> None:
        """Minimise the squared error of the plan at random times, which are logit-normal (Esser et al., ICML 2024)."""
        config, transformer = self.config, self.transformer
        data, descriptions = _mirrored_too(clips)
        chance = np.random.default_rng(config.seed)
        optimizer, schedule = _optimizer(transformer, config.learning_rate, config.flow_steps)
        transformer.train()
        for _ in range(config.flow_steps):
            batch = torch.randint(len(data), (config.batch_size,), generator=rng)
            text = self.text.encode(_captions([descriptions[i] for i in batch.tolist()], chance))
            noise = torch.randn(len(batch), *data.shape[1:], generator=rng)
            times = (_MEAN_TIME + torch.randn(len(batch), generator=rng)).sigmoid()
            share = times[:, None, None, None]
            without_text = torch.rand(len(batch), generator=rng) < _WITHOUT_TEXT
            predicted = transformer((1 - share) * noise + share * data[batch], times, text, without_text)
            loss = F.mse_loss(predicted, data[batch])
            _step(loss, transformer, optimizer, schedule)
            self.history.append(FlowStep(loss.item()))
            on_step(len(self.history), self.history[-1])

    def _draw(self, prompt: str, rng: torch.Generator) -> Tensor:
        """Follow the flow from noise to a plan with Euler's method, and decode it."""
        config = self.config
        # The second of the two prompts is left out: both are computed in one batch.
        vectors, without_text = self.text.encode([prompt, prompt]), torch.tensor([False, True])
        plan = torch.randn(1, PLAN_CHANNELS, MAP_SIZE, MAP_SIZE, generator=rng)
        times = torch.linspace(0, 1, config.sampling_steps + 1)
        for now, after in pairwise(times):
            with_text, without = self.transformer(plan.expand(2, -1, -1, -1), now.expand(2), vectors, without_text)
            target = without + config.guidance * (with_text - without)
            plan = plan + (after - now) / (1 - now) * (target - plan)
        frame_times = torch.arange(config.frames) / config.frames
        pooled = vectors.pooled[:1].expand(config.frames, -1)
        frames: Tensor = self.decoder(plan.expand(config.frames, -1, -1, -1), pooled, frame_times)
        return frames


def _mirrored_too(clips: Clips) -> tuple[Tensor, list[Description]]:
    """Return plans, and what they show, of all clips and of mirrored clips of objects that are not held out."""
    frames, motion = torch.from_numpy(clips.frames), torch.from_numpy(clips.motion)
    mirrored = [n for n, d in enumerate(clips.descriptions) if not d.is_scene and not d.mirrored().is_held_out]
    descriptions = clips.descriptions + [clips.descriptions[n].mirrored() for n in mirrored]
    middle = frames[:, frames.shape[1] // 2 :][:, :1]
    flipped = plans(middle[mirrored].flip(3), motion[mirrored] * torch.tensor([-1.0, 1.0]))
    return torch.cat([plans(middle, motion), flipped]), descriptions


def _captions(descriptions: list[Description], rng: np.random.Generator) -> list[str]:
    return [write_caption(partial(d, rng), LANGUAGES[n % 2], rng) for n, d in enumerate(descriptions)]


def _optimizer(network: nn.Module, learning_rate: float, steps: int) -> tuple[torch.optim.Optimizer, Any]:
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=(0.9, 0.99), fused=True)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_factor(step, steps))


def _step(loss: Tensor, network: nn.Module, optimizer: torch.optim.Optimizer, schedule: Any) -> None:
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    schedule.step()
