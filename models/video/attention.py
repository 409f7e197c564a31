"""Generator `attention`: a transformer writes a clip as a sequence of codes, one after the other, and attends to the words.

An autoencoder turns the latents of a clip into codes: of the picture, of the look of the objects, and of the way of each object.
Codes are rounded vectors of few dimensions instead of entries of a learned codebook (Mentzer et al., "Finite Scalar Quantization:
VQ-VAE Made Simple", ICLR 2024). The transformer is that of VideoGPT (Yan et al., 2021), with attention to words.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.cartoons.descriptions import MOST_OBJECTS
from models.video.clip_decoder import DecoderConfig
from models.video.examples import training_examples
from models.video.latents import Latents, Scale, frame_times, layouts_of, moving
from models.video.network_generator import NetworkGenerator
from models.video.optimization import Optimization
from models.video.training import Training, random_numbers

_CANDIDATES = 8
_LEVELS, _DIMENSIONS = 4, 3
CODES = _LEVELS**_DIMENSIONS
"""Number of values of a code."""
_ABSENT = CODES  # instead of the codes of a missing object
_START = CODES + 1
_CODES_OF_A_PART = (6, 5, 4)
"""Number of codes of a picture, a look and a layout."""
_LENGTH = _CODES_OF_A_PART[0] + _CODES_OF_A_PART[1] + MOST_OBJECTS * _CODES_OF_A_PART[2]


@dataclass(frozen=True)
class AttentionConfig(DecoderConfig):
    """Hyperparameters.

    Attributes:
        code_steps, code_batch_size: training of the autoencoder of latents.
        attention_steps, attention_batch_size: training of the transformer.
        width, layers, heads: of the transformer.
        temperature: of the distribution of the next code; 1 is as in the training data, less is more likely codes.
    """

    code_steps: int = 2000
    code_batch_size: int = 256
    attention_steps: int = 1200
    attention_batch_size: int = 96
    width: int = 128
    layers: int = 4
    heads: int = 4
    temperature: float = 0.7


@dataclass(frozen=True)
class CodeStep:
    """Loss of one training step of the autoencoder: mean squared error of scaled latents."""

    code_mse: float


@dataclass(frozen=True)
class AttentionStep:
    """Loss of one training step of the transformer: mean cross-entropy of a code, in nats."""

    code_nats: float


class AttentionGenerator(NetworkGenerator):
    """Draws latents as a sequence of codes."""

    name = "attention"
    nightly: ClassVar[AttentionConfig] = AttentionConfig()
    config: AttentionConfig

    def _networks(self) -> dict[str, nn.Module]:
        config = self.config
        sizes = (*self.decoder.latent_sizes, 4)
        self.parts = [CodedVectors(size, codes) for size, codes in zip(sizes, _CODES_OF_A_PART, strict=True)]
        self.writer = Writer(config.text_embedding_size, config.width, config.layers, config.heads)
        return {"parts": nn.ModuleList(self.parts), "writer": self.writer}

    def _fit_latents(self, training: Training) -> None:
        config = self.config
        rng = random_numbers("codes", config.seed)
        examples = training_examples(self.text, self.decoder, rng)
        for part, values in zip(self.parts, _vectors(examples.latents), strict=True):
            part.scale.fit(values[~values.isnan().any(1)])
        coded = nn.ModuleList(self.parts)
        optimization = Optimization(coded, config.learning_rate, config.code_steps)
        for _ in training.steps("codes", config.code_steps, CodeStep, rng, optimization):
            batch = examples.batch(config.code_batch_size, rng)
            vectors = _vectors(batch.latents)
            losses = [part.loss(v[~v.isnan().any(1)]) for part, v in zip(self.parts, vectors, strict=True)]
            loss = torch.stack(losses).mean()
            optimization.step(loss)
            training.record(CodeStep(loss.item()))
        coded.eval().requires_grad_(False)
        optimization = Optimization(self.writer, config.learning_rate, config.attention_steps)
        rng = random_numbers("attention", config.seed)
        for _ in training.steps("attention", config.attention_steps, AttentionStep, rng, optimization):
            batch = examples.batch(config.attention_batch_size, rng)
            codes = self._codes(batch.latents)
            scores = self.writer(codes[:, :-1], batch.words, batch.is_padding)
            loss = F.cross_entropy(scores.flatten(0, 1), codes.flatten())
            optimization.step(loss)
            training.record(AttentionStep(loss.item()))

    def _codes(self, latents: Latents) -> Tensor:
        """Return the codes of latents, (N, _LENGTH) int64."""
        picture, look, layouts = (
            part.encode(values).masked_fill(values.isnan().any(1, keepdim=True), _ABSENT)
            for part, values in zip(self.parts, _vectors(latents), strict=True)
        )
        return torch.cat([picture, look, layouts.view(len(picture), -1)], 1)

    def _candidates(self, prompt: str, rng: torch.Generator) -> Latents:
        words, is_padding = self.text.words([prompt])
        words, is_padding = words.expand(_CANDIDATES, -1, -1), is_padding.expand(_CANDIDATES, -1)
        codes = torch.zeros(_CANDIDATES, 0, dtype=torch.long)
        for _ in range(_LENGTH):
            scores = self.writer(codes, words, is_padding)[:, -1]
            probabilities = (scores / self.config.temperature).softmax(1)
            codes = torch.cat([codes, torch.multinomial(probabilities, 1, generator=rng)], 1)
        picture, look, layouts = codes.split(
            [_CODES_OF_A_PART[0], _CODES_OF_A_PART[1], MOST_OBJECTS * _CODES_OF_A_PART[2]], 1
        )
        layouts = layouts.reshape(_CANDIDATES * MOST_OBJECTS, -1)
        decoded = [part.decode(c) for part, c in zip(self.parts, (picture, look, layouts), strict=True)]
        times = frame_times(self.config.frames)
        return Latents(decoded[0], decoded[1], moving(decoded[2].view(_CANDIDATES, MOST_OBJECTS, 4), times))


class CodedVectors(nn.Module):
    """Autoencoder: vectors -> codes -> vectors.

    Args:
        size: D, length of a vector.
        codes: C, number of its codes.
    """

    def __init__(self, size: int, codes: int) -> None:
        super().__init__()
        self.codes = codes
        self.scale = Scale(size)
        bottleneck = _DIMENSIONS * codes
        self.encoder = nn.Sequential(
            nn.Linear(size, 256), nn.SiLU(), nn.Linear(256, 256), nn.SiLU(), nn.Linear(256, bottleneck)
        )
        self.decoder = nn.Sequential(
            nn.Linear(bottleneck, 256), nn.SiLU(), nn.Linear(256, 256), nn.SiLU(), nn.Linear(256, size)
        )

    def loss(self, vectors: Tensor) -> Tensor:
        """Return the mean squared error of scaled vectors (N, D) that are encoded and decoded."""
        scaled = self.scale.down(vectors)
        bounded = self.encoder(scaled).tanh()
        rounded = bounded + (_from_levels(_levels(bounded)) - bounded).detach()  # the gradient ignores the rounding
        return F.mse_loss(self.decoder(rounded), scaled)

    def encode(self, vectors: Tensor) -> Tensor:
        """Return codes (N, C) int64, from 0 to CODES - 1, of vectors (N, D); those of NaN have no meaning."""
        bounded = self.encoder(self.scale.down(vectors).nan_to_num()).tanh()
        digits = _levels(bounded).long().view(-1, self.codes, _DIMENSIONS)
        return (digits * _LEVELS ** torch.arange(_DIMENSIONS)).sum(2)

    def decode(self, codes: Tensor) -> Tensor:
        """Return the vectors (N, D) of codes (N, C); NaN if one of them stands for a missing object."""
        digits = codes[:, :, None] // _LEVELS ** torch.arange(_DIMENSIONS) % _LEVELS
        vectors = self.scale.up(self.decoder(_from_levels(digits).flatten(1)))
        return vectors.masked_fill((codes >= CODES).any(1, keepdim=True), torch.nan)


class Writer(nn.Module):
    """Transformer: the codes so far and the words -> scores of the next code.

    Args:
        text_size: E, length of the vectors of words.
        width: of the vectors inside, a multiple of `heads`.
        layers, heads: numbers of layers and of attention heads.
    """

    def __init__(self, text_size: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.codes = nn.Embedding(_START + 1, width)
        self.positions = nn.Parameter(0.02 * torch.randn(_LENGTH, width))
        self.words = nn.Linear(text_size, width)
        layer = nn.TransformerDecoderLayer(
            width, heads, 3 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerDecoder(layer, layers, nn.LayerNorm(width))
        self.outputs = nn.Parameter(0.02 * torch.randn(_LENGTH, width, CODES + 1))

    def forward(self, codes: Tensor, words: Tensor, is_padding: Tensor) -> Tensor:
        """Return the scores (N, K + 1, CODES + 1) of each next code; the last one stands for a missing object.

        Args:
            codes: (N, K) int64, the codes so far.
            words: (N, L, E) vectors of the prompt and its words.
            is_padding: (N, L) which of them only pad.
        """
        length = codes.shape[1] + 1
        started = F.pad(codes, (1, 0), value=_START)
        known = self.words(words)
        hidden = self.codes(started) + self.positions[:length] + known[:, :1]
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        hidden = self.layers(hidden, known, tgt_mask=later, tgt_is_causal=True, memory_key_padding_mask=is_padding)
        return torch.einsum("nkd,kdc->nkc", hidden, self.outputs[:length])


def _vectors(latents: Latents) -> tuple[Tensor, Tensor, Tensor]:
    """Return the vectors that are coded: pictures (N, P), looks (N, A) and layouts (3 N, 4)."""
    return latents.pictures, latents.looks, layouts_of(latents.centres).flatten(0, 1)


def _levels(bounded: Tensor) -> Tensor:
    """Return the nearest level, 0 to _LEVELS - 1, of values between -1 and 1."""
    return ((bounded + 1) * (_LEVELS - 1) / 2).round()


def _from_levels(levels: Tensor) -> Tensor:
    """Return the values between -1 and 1 of levels."""
    return levels * 2 / (_LEVELS - 1) - 1
