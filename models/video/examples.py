"""Training data of the networks from texts to latents: captions, and latents of clips that show what they say."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.video.cartoons.corpus import complete, described_captions, draw_layouts
from models.video.cartoons.descriptions import MOST_OBJECTS, Description
from models.video.clip_decoder import ClipDecoder
from models.video.latents import Latents
from models.video.text import TextEncoder

_ENCODED_AT_ONCE = 500


@dataclass(frozen=True)
class Examples:
    """N captions with latents.

    Attributes:
        words: (N, 1 + L, E) the vectors of each caption and of its words, see `TextEncoder.words`.
        is_padding: (N, 1 + L) which of them only pad.
        latents: of a clip for each caption.
    """

    words: Tensor
    is_padding: Tensor
    latents: Latents

    def batch(self, size: int, rng: torch.Generator) -> "Examples":
        """Return a random batch, without the words that only pad in all its captions."""
        chosen = torch.randint(len(self.words), (size,), generator=rng)
        is_padding = self.is_padding[chosen]
        length = int((~is_padding).any(0).nonzero().max()) + 1
        return Examples(self.words[chosen, :length], is_padding[:, :length], self.latents[chosen])


def training_examples(text: TextEncoder, decoder: ClipDecoder, rng: torch.Generator) -> Examples:
    """Return as many examples as the decoder's config has captions. None of them is held out.

    What a caption does not say is drawn at random, as often as the generators should draw it.
    """
    texts, said = described_captions(decoder.config.captions, decoder.config.seed)
    numpy_rng = np.random.default_rng(decoder.config.seed)
    shown = [_completed(description, numpy_rng) for description in said]
    layouts = torch.full((len(shown), MOST_OBJECTS, 4), torch.nan)
    is_composed = torch.tensor([d.is_composed for d in shown])
    layouts[is_composed] = torch.from_numpy(draw_layouts([d for d in shown if d.is_composed], decoder.config.seed))
    encoded = [text.words(texts[n : n + _ENCODED_AT_ONCE]) for n in range(0, len(texts), _ENCODED_AT_ONCE)]
    length = max(words.shape[1] for words, _ in encoded)
    words = torch.cat([F.pad(w, (0, 0, 0, length - w.shape[1])) for w, _ in encoded])
    is_padding = torch.cat([F.pad(p, (0, length - p.shape[1]), value=True) for _, p in encoded])
    return Examples(words, is_padding, decoder.latents(shown, layouts, rng))


def _completed(description: Description, rng: np.random.Generator) -> Description:
    while (shown := complete(description, rng)).is_held_out:
        pass
    return shown
