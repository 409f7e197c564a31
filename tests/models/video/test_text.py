"""Prompts are read correctly, also if no caption has their words."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jobs.video.prompts import PROMPTS
from models.video.cartoons.captions import LANGUAGES, PHRASES
from models.video.cartoons.corpus import write_caption
from models.video.cartoons.descriptions import ATTRIBUTES, Description, compositions, labels
from models.video.ngram_text import tokens
from models.video.text import TextEncoder
from tests.models.video.conftest import Captions

UNSEEN = {
    "太阳从海平面慢慢升起来了": "sunrise", "the sun comes up over the valley": "sunrise",
    "surfing big waves": "waves", "窗外下着倾盆大雨": "rain", "someone walks with an umbrella": "umbrella",
    "冬天里飘着鹅毛大雪": "snow", "snowy day in the woods": "snow", "过年放的烟火真好看": "fireworks",
    "a firework celebration": "fireworks", "a rubber ball bounces around": "bouncing_ball",
    "new york city at night": "city", "夜晚城市里的灯光": "city", "吃一碗面": "soup", "兰州拉面": "soup",
    "心脏健康知识": "heart", "listen to songs": "music", "橘猫": "cat", "two kittens": "cat",
    "pixel arcade maze": "arcade", "一本蓝色的书": "book", "红裙女郎": "dress", "飞驰的红色跑车": "car",
    "sports car on the road": "road_trip", "坐热气球看风景": "hot_air_balloon", "齿轮转动的机器": "gears",
    "night sky full of stars": "stars", "蓝天上飘着几朵云": "clouds", "鱼缸里的小金鱼": "aquarium",
    "摇曳着的烛光照亮房间": "candle", "一朵玫瑰花": "flower",
}  # fmt: skip


def read(encoder: TextEncoder, prompts: list[str]) -> np.ndarray:
    """Return the index of the value of each attribute that the prompts name, (N, 6)."""
    scores = encoder.scores(encoder.encode(prompts))
    return np.stack([values.argmax(1).numpy() for values in scores.values()], 1)


def held_out_captions(count: int, language: str, seed: int) -> tuple[list[Description], list[str]]:
    """Combinations that training never had, and a caption of each."""
    rng = np.random.default_rng(seed)
    held_out = [description for description in compositions() if description.is_held_out]
    asked = [held_out[n] for n in rng.permutation(len(held_out))[:count]]
    return asked, [write_caption(description, language, rng) for description in asked]


def test_unseen_phrasings_are_read(reader: TextEncoder) -> None:
    phrases_in_captions = {text for pair in PHRASES.values() for phrases in pair for text in phrases}
    assert not phrases_in_captions & UNSEEN.keys()
    subjects = (*ATTRIBUTES["subject"], None)
    named = [subjects[row[0]] for row in read(reader, list(UNSEEN))]
    wrong = [(text, name) for (text, scene), name in zip(UNSEEN.items(), named, strict=True) if name != scene]
    assert len(wrong) <= 0.2 * len(UNSEEN), wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_combinations_that_training_never_had_are_read(reader: TextEncoder, language: str) -> None:
    asked, captions = held_out_captions(300, language, seed=5)
    named = read(reader, captions)
    assert (named == labels(asked)).all(1).mean() >= 0.95


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("三个红色的气球向左飘", Description("balloon", "red", "3", "left")),
        ("一个蓝色的气球向右飘", Description("balloon", "blue", "1", "right")),
        ("two small green fish are swimming to the right", Description("fish", "green", "2", "right")),
        ("３ purple stars falling down AT NIGHT", Description("star", "purple", "3", "down", None, "night")),
        ("三只蓝鸟在雨里从左往右飞", Description("bird", "blue", "3", "right", None, "rain")),
    ],
)
def test_words_in_any_order_are_read(reader: TextEncoder, prompt: str, expected: Description) -> None:
    np.testing.assert_array_equal(read(reader, [prompt]), labels([expected]))


def test_the_prompts_of_a_night_are_read_alike_in_both_languages(reader: TextEncoder) -> None:
    pairs = [(subject, pair) for subject, pairs in PROMPTS.items() for pair in pairs]
    chinese, english = (read(reader, [pair[language] for _, pair in pairs]) for language in (0, 1))
    subjects = [ATTRIBUTES["subject"].index(subject) for subject, _ in pairs]
    for named in (chinese, english):
        assert (named[:, 0] == subjects).mean() >= 0.95
    moving = [n for n, (subject, _) in enumerate(pairs) if not Description(subject).is_scene]
    np.testing.assert_array_equal(chinese[moving], english[moving])
    assert (chinese[moving][:, :4] < [len(ATTRIBUTES[name]) for name in list(ATTRIBUTES)[:4]]).all()


def test_words_that_no_caption_has_are_ignored(reader: TextEncoder, captions: Captions) -> None:
    known = {bucket for text in captions[0] for token in tokens(text) for bucket in token}
    rare = [chr(code) for code in range(0x7C00, 0x7D00) if not known & set(tokens(chr(code))[0])]
    assert len(rare) > 100
    vectors = reader.encode(["三只红鸟", "三只红鸟 " + " ".join(rare[:3])])
    torch.testing.assert_close(vectors[0], vectors[1])


def is_understood(encoder: TextEncoder, prompts: list[str]) -> list[bool]:
    return [said.subject is not None or said.backdrop is not None for said in encoder.read(prompts)]


def test_a_text_that_names_nothing_known_is_not_understood(reader: TextEncoder) -> None:
    """The words are in no caption; some share letters or characters with known ones: parrot with carrot, 车床 with 车."""
    names_nothing = [
        "a parrot reads a newspaper", "the accountant signs a contract", "an orchestra tunes up", "two lawyers argue in court",
        "someone repairs a tractor", "asdf qwerty", "a dog in the park", "a lawnmower", "the parking lot of a bank",
        "律师在法庭上辩论", "一台车床", "会计在签合同", "拖拉机在田里耕地", "一只狗在公园里", "鹦鹉学舌", "电梯坏了",
    ]  # fmt: skip
    wrong = [text for text, known in zip(names_nothing, is_understood(reader, names_nothing), strict=True) if known]
    assert len(wrong) <= 0.2 * len(names_nothing), wrong


def test_a_text_without_words_is_not_understood(reader: TextEncoder) -> None:
    assert is_understood(reader, ["", "!?", "кошка"]) == [False] * 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_of_what_training_never_had_are_understood(reader: TextEncoder, language: str) -> None:
    _, captions = held_out_captions(500, language, seed=8)
    known = is_understood(reader, captions)
    assert np.mean(known) >= 0.995


def test_what_is_known_is_read_beside_what_is_not(reader: TextEncoder) -> None:
    (said,) = reader.read(["a dog chasing a red ball"])
    assert said.subject in ("ball", "bouncing_ball")
    assert said.colour == "red"


@given(st.text(max_size=200))
def test_any_text_has_sorted_distinct_ngrams(text: str) -> None:
    assert all(token == sorted(set(token)) and token[0] > 0 for token in tokens(text))
    assert tokens(text.upper().lower()) == tokens(text.upper())
