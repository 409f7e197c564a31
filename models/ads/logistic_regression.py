"""Logistic regression over standardised numbers and one weight a value: the model every other one has to beat."""

from dataclasses import dataclass, field

import torch
from torch import nn

from models.ads.click_model import ClickModel, ClickModelConfig
from models.ads.embedding import FieldEmbedding
from models.ads.encoder import Encoder
from models.ads.training import TrainingConfig


@dataclass(frozen=True)
class LogisticRegressionConfig(ClickModelConfig):
    """Nothing of its own; convex, so it takes larger steps than the other models."""

    training: TrainingConfig = field(default_factory=lambda: TrainingConfig(learning_rate=3e-3))


class LogisticRegression(ClickModel):
    """A weight a number and a weight a value; a bag of values counts with the mean of its weights."""

    name = "logistic_regression"
    config_type = LogisticRegressionConfig

    def build(self, encoder: Encoder, start: float) -> nn.Module:
        """The linear network."""
        return _Linear(encoder, start)


class _Linear(nn.Module):
    def __init__(self, encoder: Encoder, start: float) -> None:
        super().__init__()
        self.weights = FieldEmbedding(encoder, size=1, std=0.0)
        self.dense = nn.Parameter(torch.zeros(encoder.dense_size, 1))
        self.bias = nn.Parameter(torch.full((1,), start))

    def forward(self, dense: torch.Tensor, codes: torch.Tensor, bags: torch.Tensor) -> torch.Tensor:
        logit: torch.Tensor = (dense @ self.dense).squeeze(1) + self.weights(codes, bags).sum(dim=1) + self.bias
        return logit
