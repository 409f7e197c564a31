"""Text encoder: a small transformer that turns a prompt, in Chinese or English, into vectors.

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
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.cartoons.descriptions import ATTRIBUTES, Description, described

_BUCKETS = 1 << 16  # bucket 0 pads
_RUNS = re.compile(r"[\u3400-\u9fff]+|[a-z]+|[0-9]+")
_CHINESE_LENGTHS = (1, 2, 3)
_ENGLISH_LENGTHS = (4, 5)
_NGRAMS, _TOKENS = 12, 48  # at most, of a token and of a prompt
_LAYERS, _HEADS = 2, 4
_BATCH_SIZE, _LEARNING_RATE, _EMBEDDING_RATE, _DROPOUT = 96, 2e-3, 2e-2, 0.3


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


class TextEncoder(nn.Module):
    """Network: prompts -> vectors, and vectors -> scores of the attributes that the prompts name.

    Args:
        embedding_size: E, length of all vectors.
    """

    def __init__(self, embedding_size: int) -> None:
        super().__init__()
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
        self.heads = nn.ModuleDict({name: nn.Linear(embedding_size, len(v) + 1) for name, v in ATTRIBUTES.items()})

    def forward(self, buckets: Tensor) -> Tensor:
        """Encode n-grams (N, L, G), where 0 pads tokens and texts, as a vector for each prompt (N, E)."""
        n, length, grams = buckets.shape
        embedded = self.embeddings(buckets.reshape(-1, grams)).view(n, length, -1)
        unknown = (embedded == 0).all(-1)
        start = self.start.expand(n, 1, -1)
        inputs = torch.cat([start, embedded], 1) + self.positions[: length + 1]
        is_padding = F.pad(unknown, (1, 0))
        encoded = self.norm(self.layers(inputs, src_key_padding_mask=is_padding))
        bag = embedded.sum(1) / (~unknown).sum(1).clamp(min=1).sqrt()[:, None]
        return torch.add(encoded[:, 0], bag)

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> Tensor:
        """Return a vector for each prompt, (N, E)."""
        vectors: Tensor = self(_stack([tokens(prompt) for prompt in prompts]))
        return vectors

    @torch.inference_mode()
    def read(self, prompts: Sequence[str]) -> list[Description]:
        """Return what prompts say, most likely."""
        scores = self.scores(self.encode(prompts))
        return described(torch.stack([values.argmax(1) for values in scores.values()], 1).numpy())

    def scores(self, vectors: Tensor) -> dict[str, Tensor]:
        """Return the scores (N, values + 1) of each attribute; the last value is "not named"."""
        return {name: head(vectors) for name, head in self.heads.items()}


def fit_text_encoder(
    encoder: TextEncoder, texts: Sequence[str], labels: Tensor, *, steps: int, rng: torch.Generator
) -> list[float]:
    """Train the encoder to name the attributes of captions, with dropout of n-grams.

    Args:
        encoder: trained in place.
        texts: N captions.
        labels: (N, 6) what the captions say, see `cartoons.descriptions.labels`.
        steps: number of training steps.
        rng: draws batches and dropped n-grams.

    Returns:
        Sum over the attributes of the mean cross-entropy (nats), for each step.
    """
    buckets = _stack([tokens(text) for text in texts])
    table = [encoder.embeddings.weight]
    others = [p for p in encoder.parameters() if p is not table[0]]
    groups: list[dict[str, Any]] = [{"params": table}, {"params": others}]
    optimizer = torch.optim.Adam(groups, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [_EMBEDDING_RATE, _LEARNING_RATE], total_steps=steps, pct_start=0.1
    )
    losses = []
    encoder.train()
    for _ in range(steps):
        batch = torch.randint(len(buckets), (_BATCH_SIZE,), generator=rng)
        kept = buckets[batch]
        kept = kept[:, : int(kept.any(2).sum(1).max())]
        kept = kept * (torch.rand(kept.shape, generator=rng) > _DROPOUT * torch.rand(len(batch), 1, 1, generator=rng))
        scores = encoder.scores(encoder(kept))
        loss = torch.stack([F.cross_entropy(s, labels[batch, i]) for i, s in enumerate(scores.values())]).sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    with torch.no_grad():
        unused = torch.ones(_BUCKETS, dtype=torch.bool)
        unused[buckets.unique()] = False
        encoder.embeddings.weight[unused] = 0.0
    return losses


def _stack(texts: Sequence[Sequence[Sequence[int]]]) -> Tensor:
    """Return tokens as (N, L, G), padded with zeros; L is at least 1."""
    length = max(1, *map(len, texts))
    stacked = torch.zeros(len(texts), length, _NGRAMS, dtype=torch.long)
    for n, text in enumerate(texts):
        for position, token in enumerate(text):
            stacked[n, position, : len(token)] = torch.tensor(token)
    return stacked
