"""Generator `rnn`: a recurrent network draws a clip frame by frame.

Its first two steps draw the picture and the look of the objects, all others where the objects are in the next frame. Each step
is a mixture of Gaussians, given the prompt and all steps before (Graves, "Generating Sequences With Recurrent Neural Networks",
2013; used for frames by Ha and Schmidhuber, "World Models", NeurIPS 2018).
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.cartoons.descriptions import MOST_OBJECTS
from models.video.clip_decoder import DecoderConfig
from models.video.examples import training_examples
from models.video.latents import Latents, Scale
from models.video.network_generator import NetworkGenerator
from models.video.optimization import Optimization
from models.video.training import Training, random_numbers

_CANDIDATES = 8
_SMALLEST_SPREAD = -4.0  # logarithm of the standard deviation of a Gaussian, of scaled values
_POSITIONS = 2 * MOST_OBJECTS


@dataclass(frozen=True)
class RnnConfig(DecoderConfig):
    """Hyperparameters.

    Attributes:
        rnn_steps, rnn_batch_size: training of the recurrent network.
        units: of the recurrent layer.
        mixtures: number of Gaussians of each step.
        temperature: factor of their standard deviations when a clip is drawn.
    """

    rnn_steps: int = 2500
    rnn_batch_size: int = 128
    units: int = 320
    mixtures: int = 24
    temperature: float = 0.5


@dataclass(frozen=True)
class RnnStep:
    """Loss of one training step: negative log-likelihood of a value of the latents, in nats."""

    latent_nats: float


class RnnGenerator(NetworkGenerator):
    """Draws latents by a recurrent network."""

    name = "rnn"
    nightly: ClassVar[RnnConfig] = RnnConfig()
    config: RnnConfig

    def _networks(self) -> dict[str, nn.Module]:
        config = self.config
        self.sizes = (*self.decoder.latent_sizes, _POSITIONS, _POSITIONS)
        self.scales = [Scale(size) for size in self.sizes]
        self.recurrent = Recurrent(self.sizes, config.text_embedding_size, config.units, config.mixtures)
        return {"scales": nn.ModuleList(self.scales), "recurrent": self.recurrent}

    def _fit_latents(self, training: Training) -> None:
        config = self.config
        rng = random_numbers("rnn", config.seed)
        examples = training_examples(self.text, self.decoder, rng)
        for scale, values in zip(self.scales, _series(examples.latents), strict=True):
            scale.fit(values.flatten(0, 1))
        optimization = Optimization(self.recurrent, config.learning_rate, config.rnn_steps)
        for _ in training.steps("rnn", config.rnn_steps, RnnStep, rng, optimization):
            batch = examples.batch(config.rnn_batch_size, rng)
            parts = [scale.down(values) for scale, values in zip(self.scales, _series(batch.latents), strict=True)]
            loss = self.recurrent.loss(parts, batch.words[:, 0], batch.latents.counts)
            optimization.step(loss)
            training.record(RnnStep(loss.item()))

    def _candidates(self, prompt: str, rng: torch.Generator) -> Latents:
        words, _ = self.text.words([prompt])
        parts, counts = self.recurrent.draw(
            words[:, 0].expand(_CANDIDATES, -1), self.config.frames, self.config.temperature, rng
        )
        pictures, looks, starts, moves = (scale.up(values) for scale, values in zip(self.scales, parts, strict=True))
        centres = torch.cat([starts, moves], 1).cumsum(1).view(_CANDIDATES, -1, MOST_OBJECTS, 2).transpose(1, 2).clone()
        centres[torch.arange(MOST_OBJECTS) >= counts[:, None]] = torch.nan
        return Latents(pictures[:, 0], looks[:, 0], centres)


class Recurrent(nn.Module):
    """Recurrent network: the steps so far and a prompt -> the distribution of the next step.

    The steps are a picture, a look, the positions of the objects in the first frame, and how they change from frame to frame.

    Args:
        sizes: numbers of values of these four kinds of steps.
        text_size: E, length of the vector of a prompt.
        units: of the recurrent layer.
        mixtures: number of Gaussians of each step.
    """

    def __init__(self, sizes: tuple[int, ...], text_size: int, units: int, mixtures: int) -> None:
        super().__init__()
        self.sizes, self.mixtures = sizes, mixtures
        self.inputs = nn.ModuleList(nn.Linear(size, units // 2) for size in sizes)
        self.begin = nn.Linear(text_size, units)
        self.gru = nn.GRU(units // 2 + text_size, units, batch_first=True)
        self.count = nn.Linear(text_size, MOST_OBJECTS + 1)
        self.outputs = nn.ModuleList(nn.Linear(units + text_size, mixtures * (1 + 2 * size)) for size in sizes)

    def loss(self, parts: list[Tensor], prompts: Tensor, counts: Tensor) -> Tensor:
        """Return the mean negative log-likelihood of values, and of the number of objects.

        Args:
            parts: scaled values of each kind of steps, (N, steps, size); NaN is missing.
            prompts: (N, E).
            counts: (N,) number of objects.
        """
        inputs = torch.cat([layer(part.nan_to_num()) for layer, part in zip(self.inputs, parts, strict=True)], 1)
        hidden = self._hidden(F.pad(inputs, (0, 0, 1, -1)), prompts)
        of_kind = hidden.split([part.shape[1] for part in parts], 1)
        nats = [self._nats(n, of_kind[n], part) for n, part in enumerate(parts)]
        values = sum(int((~part.isnan()).sum()) for part in parts)
        return torch.stack(nats).sum() / values + F.cross_entropy(self.count(prompts), counts)

    def draw(
        self, prompts: Tensor, frames: int, temperature: float, rng: torch.Generator
    ) -> tuple[list[Tensor], Tensor]:
        """Return scaled values of each kind of steps, (N, steps, size), and numbers of objects (N,), of prompts (N, E)."""
        parts: list[list[Tensor]] = [[] for _ in self.sizes]
        state = self.begin(prompts)[None]
        value = torch.zeros(len(prompts), 1, self.gru.input_size - prompts.shape[1])
        for kind in (0, 1, 2, *(3,) * (frames - 1)):
            output, state = self.gru(torch.cat([value, prompts[:, None]], 2), state)
            drawn = self._draw(kind, torch.cat([output, prompts[:, None]], 2), temperature, rng)
            parts[kind].append(drawn)
            value = self.inputs[kind](drawn)
        counts = torch.multinomial((self.count(prompts) / temperature).softmax(1), 1, generator=rng)[:, 0]
        return [torch.cat(values, 1) for values in parts], counts

    def _hidden(self, inputs: Tensor, prompts: Tensor) -> Tensor:
        repeated = prompts[:, None].expand(-1, inputs.shape[1], -1)
        outputs, _ = self.gru(torch.cat([inputs, repeated], 2), self.begin(prompts)[None])
        return torch.cat([outputs, repeated], 2)

    def _mixture(self, kind: int, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return scores (N, K, M), means and logarithms of standard deviations (N, K, M, size) of Gaussians."""
        size = self.sizes[kind]
        outputs = self.outputs[kind](hidden)
        scores, means, spreads = outputs.split([self.mixtures, self.mixtures * size, self.mixtures * size], 2)
        shape = (*outputs.shape[:2], self.mixtures, size)
        return scores, means.view(shape), spreads.view(shape).clamp(_SMALLEST_SPREAD, 2.0)

    def _nats(self, kind: int, hidden: Tensor, values: Tensor) -> Tensor:
        """Return the negative log-likelihood of values (N, K, size), summed."""
        scores, means, spreads = self._mixture(kind, hidden)
        distance = (values[:, :, None].nan_to_num() - means) * (-spreads).exp()
        nats = 0.5 * distance.square() + spreads + 0.5 * math.log(2 * math.pi)
        nats = (nats * ~values[:, :, None].isnan()).sum(3)
        is_known = ~values.isnan().all(2)
        return -(torch.logsumexp(scores.log_softmax(2) - nats, 2) * is_known).sum()

    def _draw(self, kind: int, hidden: Tensor, temperature: float, rng: torch.Generator) -> Tensor:
        """Return values (N, 1, size) of the next step."""
        scores, means, spreads = (values[:, 0] for values in self._mixture(kind, hidden))
        chosen = torch.multinomial((scores / temperature).softmax(1), 1, generator=rng)[:, 0]
        rows = torch.arange(len(chosen))
        noise = torch.randn(means[rows, chosen].shape, generator=rng)
        return (means[rows, chosen] + temperature * spreads[rows, chosen].exp() * noise)[:, None]


def _series(latents: Latents) -> tuple[Tensor, ...]:
    """Return the values of the steps: pictures (N, 1, P), looks (N, 1, A), first positions (N, 1, 6), moves (N, T - 1, 6)."""
    positions = latents.centres.transpose(1, 2).flatten(2)
    return latents.pictures[:, None], latents.looks[:, None], positions[:, :1], positions.diff(dim=1)
