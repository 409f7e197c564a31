"""Back-translation: other words for a caption, from the translation of its translation (Sennrich et al., ACL 2016)."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from models.video.cartoons.descriptions import ATTRIBUTES, Description
from models.video.text import TextEncoder

_TRANSLATED_AT_ONCE = 32


class Translator(ABC):
    """Translates from one language into another."""

    @abstractmethod
    def translate(self, texts: Sequence[str]) -> list[str]:
        """Return the translation of each text."""


class PretrainedTranslator(Translator):
    """A saved model of `transformers`, such as one of the Marian family for each pair of languages.

    Args:
        folder: of a saved sequence-to-sequence model with its tokenizer.

    Raises:
        ValueError: the folder contains no such model.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer  # takes seconds to import

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder)
            self._model = AutoModelForSeq2SeqLM.from_pretrained(folder, use_safetensors=True).eval()
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f"{folder} is not the folder of a translator: {reason}") from error

    @torch.inference_mode()
    def translate(self, texts: Sequence[str]) -> list[str]:
        """Return the most likely translations, as the model's own settings search for them."""
        translations: list[str] = []
        for start in range(0, len(texts), _TRANSLATED_AT_ONCE):
            tokens = self._tokenizer(
                list(texts[start : start + _TRANSLATED_AT_ONCE]), padding=True, truncation=True, return_tensors="pt"
            )
            translations += self._tokenizer.batch_decode(self._model.generate(**tokens), skip_special_tokens=True)
        return translations


@dataclass(frozen=True)
class Paraphrase:
    """The back-translation of a caption. It must not be used if there is a refusal, which says why."""

    text: str
    refusal: str | None


def paraphrase(captions: Sequence[str], there: Translator, back: Translator, reader: TextEncoder) -> list[Paraphrase]:
    """Return a paraphrase of each caption. It may be used if the text encoder reads the same in it.

    Args:
        captions: in the language from which `there` translates.
        there, back: translate into another language, and back.
        reader: a trained text encoder. What it cannot read in a caption, it cannot compare.
    """
    texts = [" ".join(text.split()) for text in back.translate(there.translate(captions))]
    compared = zip(captions, texts, reader.read([*captions]), reader.read(texts), strict=True)
    return [Paraphrase(text, _refusal(caption, text, said, read)) for caption, text, said, read in compared]


def _refusal(caption: str, text: str, said: Description, read: Description) -> str | None:
    if said.subject is None and said.backdrop is None:
        return "the text encoder knows nothing of what the caption names"
    if text.casefold() == caption.casefold():
        return "the same words"
    changed = [name for name in ATTRIBUTES if getattr(said, name) != getattr(read, name)]
    return f"another {' and '.join(changed)}" if changed else None
