"""Text encoders: what turns a prompt, in Chinese or English, into vectors, and reads from them what the prompt says."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.cartoons.descriptions import ATTRIBUTES, Description, described
from models.video.optimization import Groups, Optimization
from models.video.training import Training

_BATCH_SIZE = 96


@dataclass(frozen=True)
class TextStep:
    """Loss of one training step: sum over the attributes of the mean cross-entropy, in nats."""

    text_nats: float


class TextEncoder(nn.Module, ABC):
    """Network: prompts -> vectors, and vectors -> scores of the attributes that the prompts name.

    Args:
        embedding_size: E, length of all vectors.
    """

    def __init__(self, embedding_size: int) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Linear(embedding_size, len(v) + 1) for name, v in ATTRIBUTES.items()})

    @abstractmethod
    def inputs(self, prompts: Sequence[str]) -> Tensor:
        """Return prompts as the input (N, L, …) of `forward`, where zeros pad."""

    @abstractmethod
    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the vectors of prompts and of their words, (N, 1 + L, E), and which of them only pad, (N, 1 + L) bool."""

    @abstractmethod
    def parameter_groups(self) -> Groups:
        """Return the weights to train, each group with its learning rate."""

    def save_pretrained(self, folder: Path) -> None:
        """Write what was trained elsewhere, if anything; the other weights are saved with the generator."""

    def with_dropout(self, inputs: Tensor, rng: torch.Generator) -> Tensor:
        """Return inputs for a training step, parts of which may be left out at random."""
        return inputs

    @torch.no_grad()
    def words(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return the vectors of each prompt and its words, (N, 1 + L, E), and which of them only pad, (N, 1 + L) bool."""
        vectors: tuple[Tensor, Tensor] = self(self.inputs(prompts))
        return vectors

    def encode(self, prompts: Sequence[str]) -> Tensor:
        """Return a vector for each prompt, (N, E)."""
        return self.words(prompts)[0][:, 0]

    def read(self, prompts: Sequence[str]) -> list[Description]:
        """Return what prompts say, most likely."""
        scores = self.scores(self.encode(prompts))
        return described(torch.stack([values.argmax(1) for values in scores.values()], 1).numpy())

    def scores(self, vectors: Tensor) -> dict[str, Tensor]:
        """Return the scores (N, values + 1) of each attribute; the last value is "not named"."""
        return {name: head(vectors) for name, head in self.heads.items()}

    def fit(
        self, texts: Sequence[str], labels: Tensor, *, steps: int, rng: torch.Generator, training: Training
    ) -> None:
        """Train the encoder to name the attributes of captions.

        Args:
            texts: N captions.
            labels: (N, 6) what the captions say, see `cartoons.descriptions.labels`.
            steps: number of training steps.
            rng: draws batches and what is left out.
            training: records the losses.
        """
        self._fit(self.inputs(texts), labels, steps, rng, training)

    def _fit(self, inputs: Tensor, labels: Tensor, steps: int, rng: torch.Generator, training: Training) -> None:
        lengths = (inputs != 0).any(2).sum(1)
        optimization = Optimization(self, self.parameter_groups(), steps)
        for _ in training.steps("text", steps, TextStep, rng, optimization):
            batch = torch.randint(len(inputs), (_BATCH_SIZE,), generator=rng)
            chosen = inputs[batch, : int(lengths[batch].max())]
            scores = self.scores(self(self.with_dropout(chosen, rng))[0][:, 0])
            loss = torch.stack([F.cross_entropy(s, labels[batch, i]) for i, s in enumerate(scores.values())]).sum()
            optimization.step(loss)
            training.record(TextStep(loss.item()))
