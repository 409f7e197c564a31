"""Generator `flow`: a small diffusion transformer, trained by flow matching, moves noise to the latents of a clip.

Noise is moved along straight lines (see `flow_matching`). The transformer attends to the words of the prompt, and the time scales
and shifts its layers (DiT: Peebles and Xie, ICCV 2023). Its tokens are the picture, the look of the objects, and the way of each
object. Classifier-free guidance (Ho and Salimans, 2022) follows the prompt more closely.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from models.processes import of_all, processes, rows_of_process
from models.video.cartoons.descriptions import MOST_OBJECTS
from models.video.clip_decoder import DecoderConfig
from models.video.examples import training_examples
from models.video.flow_matching import matching_loss, moved
from models.video.latents import Latents, Scale, frame_times, layouts_of, moving
from models.video.network_generator import NetworkGenerator
from models.video.optimization import Optimization
from models.video.training import Training, random_numbers

_CANDIDATES = 4
_TIME_WAVES = 16


@dataclass(frozen=True)
class FlowConfig(DecoderConfig):
    """Hyperparameters.

    Attributes:
        flow_steps, flow_batch_size: training of the transformer.
        width, layers, heads: of the transformer.
        unconditional: share of the training examples whose words are left out.
        guidance: how much more the prompt counts than in the training data; 1 is as much.
        euler_steps: steps from noise to latents.
    """

    flow_steps: int = 2500
    flow_batch_size: int = 128
    width: int = 128
    layers: int = 4
    heads: int = 4
    unconditional: float = 0.1
    guidance: float = 1.5
    euler_steps: int = 12


@dataclass(frozen=True)
class FlowStep:
    """Loss of one training step: mean squared error of the velocity."""

    flow_mse: float


class FlowGenerator(NetworkGenerator):
    """Draws latents by a diffusion transformer over five tokens."""

    name = "flow"
    nightly: ClassVar[FlowConfig] = FlowConfig()
    config: FlowConfig

    def _networks(self) -> dict[str, nn.Module]:
        config = self.config
        self.sizes = (*self.decoder.latent_sizes, *(5,) * MOST_OBJECTS)
        self.scale = Scale(sum(self.sizes))
        self.velocity = Velocity(self.sizes, config.text_embedding_size, config.width, config.layers, config.heads)
        return {"scale": self.scale, "velocity": self.velocity}

    def _fit_latents(self, training: Training) -> None:
        config = self.config
        rng = random_numbers("flow", config.seed)
        examples = training_examples(self.text, self.decoder, rng)
        self.scale.fit(_values(examples.latents))
        network = training.parallel(self.velocity)
        optimization = Optimization(network, config.learning_rate, config.flow_steps)
        rows = rows_of_process()
        for _ in training.steps("flow", config.flow_steps, FlowStep, rng, optimization, together=True):
            batch = examples.batch(config.flow_batch_size, rng)
            target = self.scale.down(_values(batch.latents))
            noise = torch.randn(target.shape, generator=rng)
            is_hidden = torch.rand(len(target), 1, 1, generator=rng) < config.unconditional
            words = batch.words.masked_fill(is_hidden, 0.0)[rows]
            velocity = partial(network, words=words, is_padding=batch.is_padding[rows])
            loss = matching_loss(velocity, noise, target, rng, rows)
            optimization.step(processes() * loss)
            training.record(FlowStep(sum(of_all(loss.item()))))
        self.velocity.load_state_dict(optimization.weights)

    def _candidates(self, prompt: str, rng: torch.Generator) -> Latents:
        words, is_padding = self.text.words([prompt])
        noise = torch.randn(_CANDIDATES, sum(self.sizes), generator=rng)
        words, is_padding = words.expand(_CANDIDATES, -1, -1), is_padding.expand(_CANDIDATES, -1)
        velocity = partial(self._velocity, words=words, is_padding=is_padding)
        values = moved(velocity, noise, self.config.euler_steps)
        return _latents(self.scale.up(values), self.sizes, self.config.frames)

    def _velocity(self, values: Tensor, times: Tensor, words: Tensor, is_padding: Tensor) -> Tensor:
        """Return the velocity (N, D) with guidance."""
        guidance = self.config.guidance
        velocity: Tensor = self.velocity(values, times, words, is_padding)
        if guidance != 1:
            free = self.velocity(values, times, torch.zeros_like(words), is_padding)
            velocity = free + guidance * (velocity - free)
        return velocity


class Velocity(nn.Module):
    """Transformer: noisy latents, the time and words -> the velocity from noise to latents.

    Args:
        sizes: lengths of the tokens.
        text_size: E, length of the vectors of words.
        width: of the vectors inside, a multiple of `heads`.
        layers, heads: numbers of layers and of attention heads.
    """

    waves: Tensor

    def __init__(self, sizes: tuple[int, ...], text_size: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.sizes = sizes
        self.inputs = nn.ModuleList(nn.Linear(size, width) for size in sizes)
        self.positions = nn.Parameter(0.02 * torch.randn(len(sizes), width))
        self.time = nn.Sequential(
            nn.Linear(2 * _TIME_WAVES + text_size, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.words = nn.Linear(text_size, width)
        self.layers = nn.ModuleList(_Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.outputs = nn.ModuleList(nn.Linear(width, size) for size in sizes)
        self.register_buffer("waves", torch.logspace(0, 2, _TIME_WAVES) * math.pi / 2, persistent=False)

    def forward(self, values: Tensor, times: Tensor, words: Tensor, is_padding: Tensor) -> Tensor:
        """Return the velocity (N, D).

        Args:
            values: (N, D) between noise and latents.
            times: (N, 1) 0 for noise, 1 for latents.
            words: (N, L, E) vectors of the prompt and its words; zeros for no prompt.
            is_padding: (N, L) which of them only pad.
        """
        parts = values.split(self.sizes, 1)
        hidden = torch.stack([layer(part) for layer, part in zip(self.inputs, parts, strict=True)], 1) + self.positions
        angles = times * self.waves
        modulation = self.time(torch.cat([angles.sin(), angles.cos(), words[:, 0]], 1))
        known = self.words(words)
        for layer in self.layers:
            hidden = layer(hidden, known, is_padding, modulation)
        hidden = self.norm(hidden)
        return torch.cat([layer(hidden[:, n]) for n, layer in enumerate(self.outputs)], 1)


class _Layer(nn.Module):
    """Attention among tokens, attention to words, and an MLP; each is scaled and shifted by time and prompt."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width, elementwise_affine=False) for _ in range(3))
        self.among = nn.MultiheadAttention(width, heads, batch_first=True)
        self.to_words = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))
        self.modulation = nn.Linear(width, 9 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, hidden: Tensor, words: Tensor, is_padding: Tensor, modulation: Tensor) -> Tensor:
        scales, shifts, gates = self.modulation(modulation)[:, None].chunk(3, 2)
        scales, shifts, gates = scales.chunk(3, 2), shifts.chunk(3, 2), gates.chunk(3, 2)

        def modulated(number: int) -> Tensor:
            normed: Tensor = self.norms[number](hidden)
            return normed * (1 + scales[number]) + shifts[number]

        inputs = modulated(0)
        hidden = hidden + (1 + gates[0]) * self.among(inputs, inputs, inputs, need_weights=False)[0]
        attended = self.to_words(modulated(1), words, words, key_padding_mask=is_padding, need_weights=False)[0]
        hidden = hidden + (1 + gates[1]) * attended
        return hidden + (1 + gates[2]) * self.mlp(modulated(2))


def _values(latents: Latents) -> Tensor:
    """Return latents as vectors (N, D): picture, look, and of each object whether it is there (1 or -1) and its layout."""
    layouts = layouts_of(latents.centres)
    is_there = torch.where(layouts[:, :, :1].isnan(), -1.0, 1.0)
    return torch.cat([latents.pictures, latents.looks, torch.cat([is_there, layouts], 2).flatten(1)], 1)


def _latents(values: Tensor, sizes: tuple[int, ...], frames: int) -> Latents:
    """Return the latents whose vectors are given; the inverse of `_values`."""
    pictures, looks, *objects = values.split(sizes, 1)
    layouts = torch.stack(objects, 1)
    layouts = layouts[:, :, 1:].masked_fill(layouts[:, :, :1] < 0, torch.nan)
    return Latents(pictures, looks, moving(layouts, frame_times(frames)))
