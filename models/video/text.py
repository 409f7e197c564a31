"""Text encoder: classifies a prompt, in Chinese or English, by scene and colour.

A prompt is a bag of hashed n-grams of characters (Chinese) and of words and their parts (English). There is no fixed
vocabulary, and unseen phrasings share most of their n-grams with the captions (Bojanowski et al., "Enriching Word Vectors with
Subword Information", TACL 2017). Embeddings start at zero, and the embedding of an n-gram that no caption contains stays zero,
so unknown words have no effect.
"""

import re
import zlib
from collections.abc import Sequence
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_BUCKETS = 1 << 14
_RUNS = re.compile(r"[\u3400-\u9fff]+|[a-z]+")
_CHINESE_LENGTHS = (1, 2, 3)
_ENGLISH_LENGTHS = (4, 5)
_BATCH_SIZE, _LEARNING_RATE, _DROPOUT = 256, 2e-2, 0.3


def ngrams(text: str) -> list[int]:
    """Return the distinct buckets of the n-grams of a text in ascending order; empty for a text without letters."""
    grams: set[str] = set()
    for run in _RUNS.findall(text.lower()):
        if run[0].isascii():
            padded = f"<{run}>"
            grams.add(padded)
            grams.update(padded[i : i + n] for n in _ENGLISH_LENGTHS for i in range(len(padded) - n + 1))
        else:
            grams.update(run[i : i + n] for n in _CHINESE_LENGTHS for i in range(len(run) - n + 1))
    return sorted({zlib.crc32(gram.encode()) % _BUCKETS for gram in grams})


class TextEncoder(nn.Module):
    """Network: prompt -> scores of scenes and colours.

    Args:
        scenes: number of scenes.
        colours: number of colours; there is one more score for "no colour".
        embedding_size: length of the vector of an n-gram.
    """

    def __init__(self, scenes: int, colours: int, embedding_size: int) -> None:
        super().__init__()
        self.embeddings = nn.EmbeddingBag(_BUCKETS, embedding_size, mode="sum")
        nn.init.zeros_(self.embeddings.weight)
        self.scene_head = nn.Linear(embedding_size, scenes)
        self.colour_head = nn.Linear(embedding_size, colours + 1)

    def forward(self, bags: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Return scores (N, scenes) and (N, colours + 1) of N bags of n-grams."""
        flat = torch.tensor(list(chain.from_iterable(bags)), dtype=torch.long)
        sizes = torch.tensor([len(bag) for bag in bags])
        offsets = torch.cumsum(sizes, 0) - sizes
        embedded = self.embeddings(flat, offsets) / sizes.clamp(min=1).sqrt()[:, None]
        return self.scene_head(embedded), self.colour_head(embedded)

    @torch.inference_mode()
    def classify(self, prompts: Sequence[str]) -> tuple[list[int], list[int]]:
        """Return the indices of the most likely scene and colour of each prompt."""
        scenes, colours = self([ngrams(prompt) for prompt in prompts])
        return scenes.argmax(1).tolist(), colours.argmax(1).tolist()


def fit_text_encoder(
    encoder: TextEncoder, texts: Sequence[str], scenes: Tensor, colours: Tensor, *, steps: int, rng: torch.Generator
) -> list[float]:
    """Train the encoder on captions, with dropout of n-grams.

    Args:
        encoder: trained in place.
        texts: N captions.
        scenes: (N,) index of the scene of each caption.
        colours: (N,) index of the colour of each caption.
        steps: number of training steps.
        rng: draws batches and dropped n-grams.

    Returns:
        Sum of the mean cross-entropies (nats) of scene and colour, for each step.
    """
    bags = [torch.tensor(ngrams(text)) for text in texts]
    optimizer = torch.optim.Adam(encoder.parameters(), lr=_LEARNING_RATE)
    losses = []
    for _ in range(steps):
        batch = torch.randint(len(bags), (_BATCH_SIZE,), generator=rng).tolist()
        kept = [bags[i][torch.rand(len(bags[i]), generator=rng) > _DROPOUT].tolist() for i in batch]
        scene_scores, _ = encoder(kept)
        _, colour_scores = encoder([bags[i].tolist() for i in batch])  # no dropout: a single word names the colour
        loss = F.cross_entropy(scene_scores, scenes[batch]) + F.cross_entropy(colour_scores, colours[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
