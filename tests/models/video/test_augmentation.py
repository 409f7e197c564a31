"""A mirrored or reversed clip has a caption of what it shows, or none."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.video.augmentation import augmented, mirrored_caption, reversed_caption
from models.video.cartoons.captions import LANGUAGES
from models.video.cartoons.corpus import partial, write_caption
from models.video.cartoons.descriptions import Description, compositions

COMPOSITIONS = compositions()
SEEDS = st.integers(0, 2**32 - 1)
PHRASES = (
    "from left to right", "to the left", "on the right side", "his left hand", "turning Right", "LEFT", "left", "leftmost",
    "clockwise", "counterclockwise", "a man", "a sign", ", ", "and", "向左", "右边", "左右", "左派", "从右向左", "文字",
)  # fmt: skip


def mirrored(d: Description) -> Description:
    return replace(d, direction={"left": "right", "right": "left"}.get(d.direction or "", d.direction))


def described(seed: int) -> Description:
    rng = np.random.default_rng(seed)
    return partial(COMPOSITIONS[int(rng.integers(len(COMPOSITIONS)))], rng)


@given(SEEDS, st.sampled_from(LANGUAGES))
def test_the_mirrored_caption_of_the_corpus_describes_the_mirrored_clip(seed: int, language: str) -> None:
    d = described(seed)
    caption, expected = (write_caption(x, language, np.random.default_rng(seed)) for x in (d, mirrored(d)))
    assert mirrored_caption(caption) in (
        expected,
        *([None] if d.direction in {"left", "right"} and language == "en" else []),
    )


@given(SEEDS, st.sampled_from(LANGUAGES))
def test_the_reversed_caption_of_the_corpus_describes_the_reversed_clip(seed: int, language: str) -> None:
    d = described(seed)
    caption, expected = (write_caption(x, language, np.random.default_rng(seed)) for x in (d, d.reversed()))
    assert reversed_caption(caption) in (expected, None)


def test_most_captions_of_the_corpus_can_be_mirrored_and_some_reversed() -> None:
    rng = np.random.default_rng(0)
    captions = [write_caption(described(n), LANGUAGES[n % 2], rng) for n in range(400)]
    assert sum(mirrored_caption(caption) is not None for caption in captions) > 360
    assert sum(reversed_caption(caption) is not None for caption in captions) > 30


@given(st.lists(st.sampled_from(PHRASES), max_size=6))
def test_mirrored_twice_it_is_the_caption(phrases: list[str]) -> None:
    caption = " ".join(phrases)
    once = mirrored_caption(caption)
    assume(once is not None)
    assert mirrored_caption(once or "") == caption


@given(SEEDS, st.sampled_from(LANGUAGES))
def test_changed_twice_clip_and_caption_are_the_same(seed: int, language: str) -> None:
    caption = write_caption(described(seed), language, np.random.default_rng(seed))
    clip = np.random.default_rng(seed).integers(0, 255, (3, 4, 6, 3)).astype(np.uint8)
    for frames, text in list(augmented(clip, caption))[1:]:
        assert any(np.array_equal(clip, back) and caption == said for back, said in list(augmented(frames, text))[1:])


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a man left the room", None),
        ("two cookies left on a plate", None),
        ("she looks right at the camera", None),
        ("the right moment", None),
        ("a right-wing politician", None),
        ("human rights", "human rights"),
        ("an upright piano", "an upright piano"),
        ("he raises his Right hand", "he raises his Left hand"),
        ("cars on the left side of the road, turning right", "cars on the right side of the road, turning left"),
        ("a wheel turning clockwise", "a wheel turning counterclockwise"),
        ("a shop sign on the left", None),
        ('a shirt that says "left"', None),
        ("a man is surfing", "a man is surfing"),
        ("男孩举起左手，向右转", "男孩举起右手，向左转"),
        ("三十左右的人从左到右走", "三十左右的人从右到左走"),
        ("左派在演讲", None),
        ("座右铭", None),
        ("左边有招牌", None),
        ("两个气球向左飘", "两个气球向右飘"),
    ],
)
def test_only_words_that_name_a_side_are_changed(caption: str, expected: str | None) -> None:
    assert mirrored_caption(caption) == expected


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("three red balloons drifting up", "three red balloons drifting down"),
        ("a ball rolling from left to right at night", "a ball rolling from right to left at night"),
        ("晚上一个红色的球向上移动", "晚上一个红色的球向下移动"),
        ("a red balloon", "a red balloon"),
        ("a balloon rises", None),
        ("a red car driving left", None),
        ("a balloon drifting left in the rain", None),
        ("a rabbit is eating a watermelon", None),
        ("a man moving left", None),
    ],
)
def test_only_what_looks_the_same_backwards_is_reversed(caption: str, expected: str | None) -> None:
    assert reversed_caption(caption) == expected


def test_text_in_the_picture_is_not_mirrored() -> None:
    clip = np.zeros((2, 4, 4, 3), np.uint8)
    assert [text for _, text in augmented(clip, "a wheel turning left")] == [
        "a wheel turning left",
        "a wheel turning right",
    ]
    assert [text for _, text in augmented(clip, "a wheel turning left", shows_text=True)] == ["a wheel turning left"]
