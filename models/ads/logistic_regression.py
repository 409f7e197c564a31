"""Logistic regression on standardised numbers and categorical values, the simplest click model."""

from dataclasses import dataclass, field

import torch
from torch import nn

from models.ads.click_model import ClickModel, ClickModelConfig
from models.ads.embedding import FieldEmbedding
from models.ads.encoder import Encoder
from models.ads.training import TrainingConfig


@dataclass(frozen=True)
class LogisticRegressionConfig(ClickModelConfig):
    """Common hyperparameters with a higher learning rate, which the convex loss allows."""

    training: TrainingConfig = field(default_factory=lambda: TrainingConfig(learning_rate=3e-3))


class LogisticRegression(ClickModel):
    """One weight for each number and each categorical value; a multi-hot field counts with the mean weight of its values."""

    name = "logistic_regression"
    config_type = LogisticRegressionConfig

    def build(self, encoder: Encoder, initial_logit: float) -> nn.Module:
        """Return the untrained network."""
        return _Linear(encoder, initial_logit)


class _Linear(nn.Module):
    def __init__(self, encoder: Encoder, initial_logit: float) -> None:
        super().__init__()
        self.weights = FieldEmbedding(encoder, embedding_size=1, std=0.0)
        self.dense = nn.Parameter(torch.zeros(encoder.dense_size, 1))
        self.bias = nn.Parameter(torch.full((1,), initial_logit))

    def forward(self, dense: torch.Tensor, codes: torch.Tensor, bags: torch.Tensor) -> torch.Tensor:
        logit: torch.Tensor = (dense @ self.dense).squeeze(1) + self.weights(codes, bags).sum(dim=1) + self.bias
        return logit
