"""A text encoder of the BERT family, by path or id: its own weights stay as they are, and its vectors are learned to be read."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, logging

from models.video.optimization import Groups
from models.video.text import TextEncoder

_LEARNING_RATE = 5e-3
_TOKENS = 64  # at most, of a prompt
_ENCODED_AT_ONCE = 64


class PretrainedEncoder(TextEncoder):
    """A saved encoder of `transformers`, with a layer that turns its vectors into those of the generators.

    Args:
        source: folder of a saved model with its tokenizer, or an id that `transformers` can download or finds in its cache.
        embedding_size: E, length of all vectors.

    Raises:
        ValueError: there is no such model.
    """

    def __init__(self, source: str, embedding_size: int) -> None:
        super().__init__(embedding_size)
        logging.set_verbosity_error()  # weights of heads that are not used are no problem
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(source)
            model = AutoModel.from_pretrained(source, use_safetensors=True)
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f"{source} is neither the folder nor the id of a text encoder: {reason}") from error
        self._model = (
            model.eval().requires_grad_(False),
        )  # a tuple, so that its weights are not among those of this module
        self.to_vectors = nn.Sequential(
            nn.Linear(model.config.hidden_size, 2 * embedding_size),
            nn.GELU(),
            nn.Linear(2 * embedding_size, embedding_size),
        )
        self.norm = nn.LayerNorm(embedding_size)

    @torch.no_grad()
    def inputs(self, prompts: Sequence[str]) -> Tensor:
        """Return the vectors of the pre-trained model, (N, L, H), padded with zeros."""
        (model,) = self._model
        encoded = []
        for start in range(0, len(prompts), _ENCODED_AT_ONCE):
            texts = list(prompts[start : start + _ENCODED_AT_ONCE])
            tokens = self._tokenizer(
                texts, padding="max_length", truncation=True, max_length=_TOKENS, return_tensors="pt"
            )
            vectors = model(**tokens).last_hidden_state
            encoded.append(vectors * tokens["attention_mask"][..., None])
        inputs = torch.cat(encoded)
        return inputs[:, : int((inputs != 0).any(2).sum(1).max())]

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """See `TextEncoder.forward`; the inputs are (N, L, H). The vector of a prompt is the scaled sum of those of its words."""
        is_padding = ~(inputs != 0).any(2)
        words = self.norm(self.to_vectors(inputs)).masked_fill(is_padding[..., None], 0.0)
        prompts = words.sum(1, keepdim=True) / (~is_padding).sum(1).clamp(min=1).sqrt()[:, None, None]
        return torch.cat([prompts, words], 1), nn.functional.pad(is_padding, (1, 0))

    def parameter_groups(self) -> Groups:
        """All weights but those of the pre-trained model."""
        return [(list(self.parameters()), _LEARNING_RATE)]

    def save_pretrained(self, folder: Path) -> None:
        """Write the pre-trained model with its tokenizer, to be loaded by path."""
        (model,) = self._model
        model.save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)
