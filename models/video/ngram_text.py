"""The project's own text encoder: a small transformer over the words and characters of a prompt.

A token is a word (English) or a character (Chinese). Its vector is the sum of the vectors of its hashed n-grams: of the word,
its parts and the pair with the following word, or of the character with the following ones. There is no fixed vocabulary, and
unseen phrasings share most of their n-grams with the captions (Bojanowski et al., "Enriching Word Vectors with Subword
Information", TACL 2017). The vector of an n-gram that no caption contains is zero, and a token without any other n-gram is left
out, so unknown words have no effect.
"""

import re
import unicodedata
import zlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.optimization import Groups
from models.video.text import TextEncoder
from models.video.training import Training

_BUCKETS = 1 << 16  # bucket 0 pads
_RUNS = re.compile(r"[\u3400-\u9fff]+|[a-z]+|[0-9]+")
_CHINESE_LENGTHS = (1, 2, 3)
_ENGLISH_LENGTHS = (4, 5)
_NGRAMS, _TOKENS = 12, 48  # at most, of a token and of a prompt
_LAYERS, _HEADS = 2, 4
_LEARNING_RATE, _EMBEDDING_RATE, _DROPOUT = 2e-3, 2e-2, 0.3


def tokens(text: str) -> list[list[int]]:
    """Return the tokens of a text in their order, each as the distinct buckets of its n-grams."""
    grams: list[set[str]] = []
    runs = _RUNS.findall(unicodedata.normalize("NFKC", text).lower())
    for run, following in zip(runs, [*runs, ""][1:], strict=True):
        if run[0].isascii():
            padded = f"<{run}>"
            parts = {padded[i : i + n] for n in _ENGLISH_LENGTHS for i in range(len(padded) - n + 1)}
            grams.append({padded, f"{padded}{following}", *sorted(parts)[: _NGRAMS - 2]})
        else:
            grams += [{run[i : i + n] for n in _CHINESE_LENGTHS} for i in range(len(run))]
    return [sorted({1 + zlib.crc32(gram.encode()) % (_BUCKETS - 1) for gram in token}) for token in grams[:_TOKENS]]


class NgramEncoder(TextEncoder):
    """Transformer over hashed n-grams.

    Args:
        embedding_size: E, length of all vectors.
    """

    def __init__(self, embedding_size: int) -> None:
        super().__init__(embedding_size)
        self.embeddings = nn.EmbeddingBag(_BUCKETS, embedding_size, mode="sum", padding_idx=0)
        nn.init.normal_(self.embeddings.weight, std=1e-3)
        self.start = nn.Parameter(torch.zeros(embedding_size))
        self.positions = nn.Parameter(0.02 * torch.randn(_TOKENS + 1, embedding_size))
        layer = nn.TransformerEncoderLayer(
            embedding_size,
            _HEADS,
            3 * embedding_size,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(embedding_size)

    def inputs(self, prompts: Sequence[str]) -> Tensor:
        """Return the n-grams of prompts as buckets (N, L, G), padded with zeros; L is at least 1."""
        texts = [tokens(prompt) for prompt in prompts]
        stacked = np.zeros((len(texts), max(1, *map(len, texts)), _NGRAMS), np.int64)
        for n, text in enumerate(texts):
            for position, token in enumerate(text):
                stacked[n, position, : len(token)] = token
        return torch.from_numpy(stacked)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """See `TextEncoder.forward`; the inputs are (N, L, G)."""
        n, length, grams = inputs.shape
        embedded = self.embeddings(inputs.reshape(-1, grams)).view(n, length, -1)
        unknown = (embedded == 0).all(-1)
        start = self.start.expand(n, 1, -1)
        is_padding = F.pad(unknown, (1, 0))
        positioned = torch.cat([start, embedded], 1) + self.positions[: length + 1]
        encoded = self.norm(self.layers(positioned, src_key_padding_mask=is_padding))
        bag = embedded.sum(1) / (~unknown).sum(1).clamp(min=1).sqrt()[:, None]
        return torch.cat([encoded[:, :1] + bag[:, None], encoded[:, 1:]], 1), is_padding

    def parameter_groups(self) -> Groups:
        """The vectors of n-grams learn faster, because few captions of a batch have a certain one."""
        of_ngrams = list(self.embeddings.parameters())
        others = [weights for weights in self.parameters() if weights is not of_ngrams[0]]
        return [(of_ngrams, _EMBEDDING_RATE), (others, _LEARNING_RATE)]

    def with_dropout(self, inputs: Tensor, rng: torch.Generator) -> Tensor:
        """Leave out some n-grams, so that the encoder also reads words that no caption contains."""
        shares = _DROPOUT * torch.rand(len(inputs), 1, 1, generator=rng)
        return inputs * (torch.rand(inputs.shape, generator=rng) > shares)

    def _fit(self, inputs: Tensor, labels: Tensor, steps: int, rng: torch.Generator, training: Training) -> None:
        """Train only the vectors of n-grams that a caption contains, which are few of all. The others become zero."""
        all_ngrams = self.embeddings
        known = F.pad(inputs.unique(), (1, 0)).unique()  # with bucket 0
        self.embeddings = nn.EmbeddingBag.from_pretrained(
            all_ngrams.weight.detach()[known], freeze=False, mode="sum", padding_idx=0
        )
        super()._fit(torch.searchsorted(known, inputs), labels, steps, rng, training)
        with torch.no_grad():
            all_ngrams.weight.zero_()
            all_ngrams.weight[known] = self.embeddings.weight
        self.embeddings = all_ngrams
