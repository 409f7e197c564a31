"""Embedding table shared by all fields of a model."""

import torch
from torch import nn

from models.ads.encoder import Encoder


class FieldEmbedding(nn.Module):
    """Embeds categorical values, and averages the embeddings of multi-hot values.

    Row 0 of the table is padding: it stays zero and does not count in a mean.

    Args:
        encoder: gives the size of the table.
        embedding_size: length of a vector.
        std: standard deviation of the initial weights.
    """

    def __init__(self, encoder: Encoder, embedding_size: int, std: float) -> None:
        super().__init__()
        self.table = nn.Embedding(encoder.table_size, embedding_size, padding_idx=0)
        nn.init.normal_(self.table.weight, std=std)
        with torch.no_grad():
            self.table.weight[0].zero_()
        self.output_size = embedding_size * (len(encoder.fields.categorical) + len(encoder.fields.multi_hot))

    def forward(self, codes: torch.Tensor, bags: torch.Tensor) -> torch.Tensor:
        """Return vectors (rows, output_size) for codes (rows, categorical) and bags (rows, multi-hot, bag_size)."""
        values = self.table(codes)
        count = (bags > 0).sum(dim=2, keepdim=True).clamp(min=1)
        means = self.table(bags).sum(dim=2) / count
        return torch.cat([values.flatten(1), means.flatten(1)], dim=1)
