"""Captions are translated there and back by Marian models, and only used if the text encoder still reads the same."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import sentencepiece
import torch
from transformers import MarianConfig, MarianMTModel, MarianTokenizer

from models.video.cartoons.corpus import described_captions
from models.video.text import TextEncoder
from models.video.translation import Paraphrase, PretrainedTranslator, Translator, paraphrase


@pytest.fixture(scope="module")
def marian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small random Marian model, with a tokenizer that was trained on captions."""
    folder = tmp_path_factory.mktemp("marian")
    texts, _ = described_captions(400, 0)
    (folder / "captions.txt").write_text("\n".join(texts), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=folder / "captions.txt",
        model_prefix=folder / "source",
        vocab_size=500,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.model"))
    words = ["</s>", "<unk>", *(pieces.id_to_piece(n) for n in range(3, pieces.get_piece_size())), "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({word: n for n, word in enumerate(words)}), encoding="utf-8")
    spm = str(folder / "source.model")
    MarianTokenizer(spm, spm, str(folder / "vocab.json"), source_lang="en", target_lang="zh").save_pretrained(folder)
    torch.manual_seed(0)
    config = MarianConfig(  # type: ignore[call-arg]
        vocab_size=len(words), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=64, max_length=12,
        pad_token_id=len(words) - 1, eos_token_id=0, forced_eos_token_id=0, decoder_start_token_id=len(words) - 1,
    )  # fmt: skip
    MarianMTModel(config).save_pretrained(folder)
    return folder


class Phrasebook(Translator):
    """Knows some sentences."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self._sentences = sentences

    def translate(self, texts: Sequence[str]) -> list[str]:
        return [self._sentences[text] for text in texts]


def test_a_text_is_translated_alone_as_among_others(marian: Path) -> None:
    translator = PretrainedTranslator(marian)
    texts = ["three red balloons drifting left", "snow", "一个红色的气球向左飘"] * 12
    translations = translator.translate(texts)
    assert len(translations) == len(texts)
    assert all(translations)
    assert [translator.translate([text])[0] for text in texts[:3]] == translations[-3:]


def test_a_random_translator_gives_no_paraphrase(marian: Path, reader: TextEncoder) -> None:
    translator = PretrainedTranslator(marian)
    (result,) = paraphrase(["three red balloons drifting left"], translator, translator, reader)
    assert result.refusal is not None
    assert result.refusal.startswith("another ")


def test_a_folder_without_translator(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not the folder of a translator"):
        PretrainedTranslator(tmp_path)


def test_only_what_says_the_same_is_used(reader: TextEncoder) -> None:
    english = {
        "three red balloons drifting to the left": "three crimson balloons floating left",
        "two blue cars driving right": "two green cars driving right",
        "a yellow fish swimming up": "a yellow fish swimming up",
        "a man is surfing": "a surfing man",
    }
    there = Phrasebook({text: str(n) for n, text in enumerate(english)})
    back = Phrasebook({str(n): text for n, text in enumerate(english.values())})
    assert paraphrase([*english], there, back, reader) == [
        Paraphrase("three crimson balloons floating left", None),
        Paraphrase("two green cars driving right", "another colour"),
        Paraphrase("a yellow fish swimming up", "the same words"),
        Paraphrase("a surfing man", "the text encoder knows nothing of what the caption names"),
    ]
