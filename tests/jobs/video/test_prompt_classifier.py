"""A classifier of prompts: its labels and thresholds decide; a folder without one is named."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from jobs.video.generate import generate
from jobs.video.prompt_classifier import DOUBTFUL_FROM, REFUSED_FROM, PromptClassifier
from jobs.video.review_queue import doubts_about
from tests.jobs.video.clips import SIGNER, FailingGenerator, clips_for

LABELS = ("safe", "violence", "hate")


def save_classifier(
    folder: Path, probabilities: list[float], *, labels: tuple[str, ...] = LABELS, several: bool = False
) -> Path:
    """Save a tiny classifier with random weights that gives every text these probabilities."""
    words = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "rain", "snow"])}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=16
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        max_position_embeddings=16, id2label=dict(enumerate(labels)), label2id={name: n for n, name in enumerate(labels)},
        problem_type="multi_label_classification" if several else None,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = BertForSequenceClassification(config)
    given = torch.tensor(probabilities)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(given.logit() if several else given.log())
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("probabilities", "several", "expected"),
    [
        ([0.6, 0.3, 0.1], False, "accepted"), ([0.4, 0.3, 0.3], False, "doubtful"), ([0.05, 0.6, 0.35], False, "refused"),
        ([0.01, 0.3, 0.4], True, "accepted"), ([0.01, 0.8, 0.4], True, "doubtful"), ([0.9, 0.3, 0.95], True, "refused"),
    ],
)  # fmt: skip
def test_the_probability_of_harm_decides(
    probabilities: list[float], several: bool, expected: str, tmp_path: Path
) -> None:
    verdict = PromptClassifier(save_classifier(tmp_path, probabilities, several=several)).judged("rain " * 40)
    assert ("refused" if verdict.refusal else "doubtful" if verdict.doubt else "accepted") == expected
    if expected != "accepted":
        harmful = "hate" if probabilities[2] > probabilities[1] else "violence"
        assert f"'{harmful}'" in (verdict.refusal or verdict.doubt or "")
    assert 0 < DOUBTFUL_FROM < REFUSED_FROM < 1


def test_a_folder_without_a_usable_classifier_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not the folder of a sequence classifier"):
        PromptClassifier(tmp_path / "absent")
    with pytest.raises(ValueError, match="its labels are good, bad; name the harmless one 'safe'"):
        PromptClassifier(save_classifier(tmp_path, [0.5, 0.5], labels=("good", "bad")))


@pytest.mark.parametrize(("harm", "made"), [(0.95, False), (0.6, True)])
def test_shards_apply_it(harm: float, made: bool, tmp_path: Path) -> None:
    generator = FailingGenerator(ValueError())
    (clip,) = clips_for(generator, 1)
    classifier = PromptClassifier(save_classifier(tmp_path / "classifier", [1 - harm, harm, 1e-6]))
    generate(tmp_path, [clip], generator, SIGNER, classifier)
    assert (tmp_path / clip.path).is_file() is made
    assert (tmp_path / clip.failure).is_file() is not made
    if made:
        assert any(
            "classifier of prompts finds 'violence'" in doubt
            for doubt in doubts_about(None, clip.facts(tmp_path), faces=False)
        )
