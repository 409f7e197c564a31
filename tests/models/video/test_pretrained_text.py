"""A text encoder of `transformers` can take the place of the project's own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizer

from models.video.cartoons.corpus import described_captions
from models.video.cartoons.descriptions import labels
from models.video.flow import FlowGenerator
from models.video.generator import VideoSpec
from models.video.pretrained_text import PretrainedEncoder
from models.video.training import Training
from tests.models.video.tiny import TINY

SPEC = VideoSpec(64, 64, 16, 8)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a small random BERT, whose tokens are the characters and words of captions."""
    folder = tmp_path_factory.mktemp("bert")
    texts, _ = described_captions(300, 0)
    words = sorted({word for text in texts for word in [*text.lower().split(), *text]} - {" "})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    BertTokenizer(vocab={word: n for n, word in enumerate(vocabulary)}).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=96,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=96,
        initializer_range=0.3,
    )
    BertModel(config).save_pretrained(folder)
    return str(folder)


def test_it_learns_to_read_captions(bert: str) -> None:
    encoder = PretrainedEncoder(bert, 32)
    texts, said = described_captions(600, 0)
    training, rng = Training(), torch.Generator().manual_seed(0)
    encoder.fit(texts, torch.from_numpy(labels(said)), steps=150, rng=rng, training=training)
    losses = [step.text_nats for step in training.history]
    assert np.mean(losses[-20:]) < 0.7 * np.mean(losses[:20])


def test_padding_does_not_change_a_prompt(bert: str) -> None:
    encoder = PretrainedEncoder(bert, 16).eval()
    together, is_padding = encoder.words(["三个红色的气球向左飘", "two birds"])
    alone, _ = encoder.words(["two birds"])
    assert is_padding[1].any()
    torch.testing.assert_close(together[1][~is_padding[1]], alone[0])


def test_a_generator_with_it_is_saved_with_it(bert: str, tmp_path: Path) -> None:
    generator = FlowGenerator(replace(TINY["flow"], text_encoder=bert))
    generator.fit(generator.training_data())
    generator.save(tmp_path)
    loaded = FlowGenerator.load(tmp_path)
    assert loaded.version == generator.version
    np.testing.assert_array_equal(loaded.generate(["日出"], [4], SPEC), generator.generate(["日出"], [4], SPEC))


def test_a_folder_without_an_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither the folder nor the id of a text encoder"):
        PretrainedEncoder(str(tmp_path), 16)
