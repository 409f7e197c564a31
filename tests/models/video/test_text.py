"""Prompts are classified by scene and colour, also if no caption has their words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.video.cartoons.captions import LANGUAGES, PHRASES, caption
from models.video.cartoons.scenes import COLOUR_NAMES, SCENE_NAMES
from models.video.text import ngrams
from models.video.vae import VaeGenerator

UNSEEN = {
    "太阳从海平面慢慢升起来了": "sunrise", "the sun comes up over the valley": "sunrise", "surfing big waves": "waves",
    "窗外下着倾盆大雨": "rain", "someone walks with an umbrella": "rain", "冬天里飘着鹅毛大雪": "snow",
    "snowy day in the woods": "snow", "过年放的烟火真好看": "fireworks", "a firework celebration": "fireworks",
    "a rubber ball bounces around": "ball", "new york city at night": "city", "夜晚城市里的灯光": "city", "吃一碗面": "soup",
    "兰州拉面": "soup", "心脏健康知识": "heart", "listen to songs": "music", "橘猫": "cat", "two kittens": "cat",
    "pixel arcade maze": "arcade", "一本蓝色的书": "book", "红裙女郎": "dress", "飞驰的红色跑车": "car",
    "sports car on the road": "car", "坐热气球看风景": "balloon", "齿轮转动的机器": "gears", "night sky full of stars": "stars",
    "蓝天上飘着几朵云": "clouds", "鱼缸里的小金鱼": "fish", "摇曳着的烛光照亮房间": "candle", "一朵玫瑰花": "flower",
}  # fmt: skip


def test_unseen_phrasings_are_classified(learned: VaeGenerator) -> None:
    phrases_in_captions = {text for pair in PHRASES.values() for phrases in pair for text in phrases}
    assert not phrases_in_captions & UNSEEN.keys()
    scenes, _ = learned.text.classify(list(UNSEEN))
    wrong = [text for text, scene in zip(UNSEEN, scenes, strict=True) if SCENE_NAMES[scene] != UNSEEN[text]]
    assert len(wrong) <= 0.1 * len(UNSEEN), wrong


def test_captions_in_both_languages_are_classified_alike(learned: VaeGenerator) -> None:
    rng = np.random.default_rng(99)
    captions = [(scene, caption(scene, None, language, rng)) for scene in SCENE_NAMES for language in LANGUAGES * 5]
    scenes, _ = learned.text.classify([text for _, text in captions])
    correct = [SCENE_NAMES[index] == scene for index, (scene, _) in zip(scenes, captions, strict=True)]
    assert np.mean(correct) >= 0.97


@pytest.mark.parametrize(
    ("prompt", "colour"),
    [
        ("一辆红色的汽车", "red"),
        ("a blue car", "blue"),
        ("白色的小猫", "white"),
        ("a green dress on the catwalk", "green"),
    ],
)
def test_colours_are_classified(learned: VaeGenerator, prompt: str, colour: str) -> None:
    _, (index,) = learned.text.classify([prompt])
    assert COLOUR_NAMES[index] == colour


def test_words_that_no_caption_has_have_zero_embeddings_unless_they_share_a_bucket(learned: VaeGenerator) -> None:
    rare = "".join(map(chr, range(0x7C00, 0x7D00)))
    caption_ngrams = {gram for text in learned.training_data()[1].texts for gram in ngrams(text)}
    unknown = sorted(set(ngrams(rare)) - caption_ngrams)
    assert not learned.text.embeddings.weight[unknown].any()
    assert len(unknown) > 0.5 * len(set(ngrams(rare)))


@given(st.text(max_size=200))
def test_any_text_has_sorted_distinct_ngrams(text: str) -> None:
    buckets = ngrams(text)
    assert buckets == sorted(set(buckets))
    assert ngrams(text.upper().lower()) == ngrams(text.upper())
