"""Reads a prompt, in Chinese or English, as a scene and a colour that the generator knows.

A prompt is a bag of hashed n-grams of characters (Chinese) and of words and their parts (English): no word list to miss a
word, and phrasings never seen share most of their n-grams with ones that were (Bojanowski et al., "Enriching Word Vectors
with Subword Information", TACL 2017). An n-gram that no caption has starts at zero and stays there, so unknown words say
nothing instead of something random.
"""

from __future__ import annotations

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


def ngrams(text: str) -> list[int]:
    """Buckets of the n-grams of a text, each once, in ascending order; none for a text without letters."""
    found: set[str] = set()
    for run in _RUNS.findall(text.lower()):
        if run[0].isascii():
            padded = f"<{run}>"
            found.add(padded)
            found.update(padded[i : i + n] for n in _ENGLISH_LENGTHS for i in range(len(padded) - n + 1))
        else:
            found.update(run[i : i + n] for n in _CHINESE_LENGTHS for i in range(len(run) - n + 1))
    return sorted({zlib.crc32(gram.encode()) % _BUCKETS for gram in found})


class TextEncoder(nn.Module):
    """Prompt -> scores of scenes and colours.

    Args:
        scenes: number of scenes.
        colours: number of colours; one more score stands for "no colour is named".
        width: size of the embedding.
    """

    def __init__(self, scenes: int, colours: int, width: int) -> None:
        super().__init__()
        self.embeddings = nn.EmbeddingBag(_BUCKETS, width, mode="sum")
        nn.init.zeros_(self.embeddings.weight)
        self.scene_head = nn.Linear(width, scenes)
        self.colour_head = nn.Linear(width, colours + 1)

    def forward(self, bags: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Scores (N, scenes) and (N, colours + 1) of N bags of n-grams."""
        flat = torch.tensor(list(chain.from_iterable(bags)), dtype=torch.long)
        sizes = torch.tensor([len(bag) for bag in bags])
        offsets = torch.cumsum(sizes, 0) - sizes
        embedded = self.embeddings(flat, offsets) / sizes.clamp(min=1).sqrt()[:, None]
        return self.scene_head(embedded), self.colour_head(embedded)

    @torch.inference_mode()
    def read(self, prompts: Sequence[str]) -> tuple[list[int], list[int]]:
        """The likeliest scene and colour of each prompt, as indices."""
        scenes, colours = self([ngrams(prompt) for prompt in prompts])
        return scenes.argmax(1).tolist(), colours.argmax(1).tolist()


def fit_text_encoder(
    encoder: TextEncoder, texts: Sequence[str], scenes: Tensor, colours: Tensor, *, steps: int, rng: torch.Generator
) -> list[float]:
    """Teaches the encoder what captions say; n-grams are left out at random, so none alone decides.

    Args:
        encoder: changed in place.
        texts: N captions.
        scenes: (N,) index of what each shows.
        colours: (N,) index of the colour that it names.
        steps: batches of 256 captions.
        rng: decides batches and what is left out.

    Returns:
        Mean cross-entropy (nats) of scene and colour together, for each step.
    """
    bags = [torch.tensor(ngrams(text)) for text in texts]
    optimizer = torch.optim.Adam(encoder.parameters(), lr=2e-2)
    losses = []
    for _ in range(steps):
        batch = torch.randint(len(bags), (256,), generator=rng).tolist()
        kept = [bags[i][torch.rand(len(bags[i]), generator=rng) > 0.3].tolist() for i in batch]
        scene_scores, _ = encoder(kept)
        _, colour_scores = encoder(
            [bags[i].tolist() for i in batch]
        )  # the colour hangs on one word, which must be there
        loss = F.cross_entropy(scene_scores, scenes[batch]) + F.cross_entropy(colour_scores, colours[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
