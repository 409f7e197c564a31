"""DCN-V2: explicit feature crosses in parallel with a deep network.

Wang, Shivanna, Cheng, Jain, Lin, Hong & Chi (2021), "DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale
Learning to Rank Systems", WWW. Parallel structure: cross layers and the deep network have the same input, and one linear
layer combines their outputs. A cross layer is ``x' = x0 * (U V^T x + b) + x`` with low-rank U and V, equation (2) of the paper.
"""

from dataclasses import dataclass, field

import torch
from torch import nn

from models.ads.click_model import ClickModel, ClickModelConfig
from models.ads.embedding import FieldEmbedding
from models.ads.encoder import Encoder
from models.ads.training import TrainingConfig


@dataclass(frozen=True)
class DCNV2Config(ClickModelConfig):
    """Hyperparameters of DCN-V2.

    Attributes:
        training: as for every click model.
        embedding_size: length of the vector of each categorical value.
        cross_layers: number of cross layers; n layers model feature interactions of order n + 1.
        cross_rank: rank of the matrix of each cross layer.
        hidden_sizes: number of units of each layer of the deep network.
        dropout: share of the outputs of each deep layer that is dropped in training.
    """

    training: TrainingConfig = field(default_factory=TrainingConfig)
    embedding_size: int = 8
    cross_layers: int = 2
    cross_rank: int = 32
    hidden_sizes: tuple[int, ...] = (128, 64)
    dropout: float = 0.2


class DCNV2(ClickModel):
    """Deep & cross network, version 2."""

    name = "dcn_v2"
    config_type = DCNV2Config
    config: DCNV2Config

    def build(self, encoder: Encoder, initial_logit: float) -> nn.Module:
        """Return the untrained network."""
        return _DeepCross(encoder, self.config, initial_logit)


class _Cross(nn.Module):
    """``x0 * (U V^T x + b) + x``; x0 and x have shape (rows, size)."""

    def __init__(self, size: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Linear(size, rank, bias=False)
        self.up = nn.Linear(rank, size)

    def forward(self, x0: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        crossed: torch.Tensor = x0 * self.up(self.down(x)) + x
        return crossed


class _DeepCross(nn.Module):
    def __init__(self, encoder: Encoder, config: DCNV2Config, initial_logit: float) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(encoder, config.embedding_size, std=0.01)
        size = encoder.dense_size + self.embedding.output_size
        self.crosses = nn.ModuleList(_Cross(size, min(config.cross_rank, size)) for _ in range(config.cross_layers))
        layers: list[nn.Module] = []
        width = size
        for hidden_size in config.hidden_sizes:
            layers += [nn.Linear(width, hidden_size), nn.ReLU(), nn.Dropout(config.dropout)]
            width = hidden_size
        self.deep = nn.Sequential(*layers)
        self.output = nn.Linear(size + width, 1)
        nn.init.constant_(self.output.bias, initial_logit)

    def forward(self, dense: torch.Tensor, codes: torch.Tensor, bags: torch.Tensor) -> torch.Tensor:
        x0 = torch.cat([dense, self.embedding(codes, bags)], dim=1)
        x = x0
        for cross in self.crosses:
            x = cross(x0, x)
        logit: torch.Tensor = self.output(torch.cat([x, self.deep(x0)], dim=1)).squeeze(1)
        return logit
