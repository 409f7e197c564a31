"""Captions say what their description says, and no more."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.video.cartoons.captions import COLOUR_WORDS, LANGUAGES
from models.video.cartoons.corpus import complete, partial, pictures, render, write_caption, write_captions
from models.video.cartoons.descriptions import ATTRIBUTES, Description, compositions
from models.video.cartoons.scenes import COLOUR_NAMES
from models.video.cartoons.sentences import NAMED_ALONE

ALL = compositions()


@given(st.sampled_from(ALL), st.sampled_from(LANGUAGES), st.integers(0, 1000))
def test_a_caption_names_its_colour(d: Description, language: str, seed: int) -> None:
    index = LANGUAGES.index(language)
    text = write_caption(d, language, np.random.default_rng(seed))
    assert any(word in text for word in COLOUR_WORDS[d.colour or ""][index])
    assert text.isascii() == (language == "en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in ATTRIBUTES if name != "subject"])
def test_each_attribute_changes_the_caption_and_can_be_left_out(name: Any, language: str) -> None:
    d = Description("fish", "red", "2", "left", "slow", "snow")
    texts = [
        write_caption(replace(d, **{name: value}), language, np.random.default_rng(0))
        for value in (*ATTRIBUTES[name], None)
    ]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("backdrop", NAMED_ALONE)
def test_a_backdrop_has_captions(backdrop: str, language: str) -> None:
    text = write_caption(Description(None, backdrop=backdrop), language, np.random.default_rng(0))
    assert text
    assert text.isascii() == (language == "en")


def test_captions_vary() -> None:
    texts = write_captions([Description("bird", "blue", "3", "up", "fast", "rain")] * 200, seed=0)
    assert len(set(texts)) > 150
    assert sum(text.isascii() for text in texts) == 100


@given(st.sampled_from(ALL), st.integers(0, 1000))
def test_a_partial_description_says_nothing_wrong(d: Description, seed: int) -> None:
    stated = partial(d, np.random.default_rng(seed))
    assert stated.subject == d.subject
    assert all(getattr(stated, name) in {None, getattr(d, name)} for name in ATTRIBUTES)
    assert stated.count == d.count or d.count == "1"


NOTHING = Description(None)


@given(st.sampled_from([*ALL, *pictures(1), NOTHING]), st.integers(0, 1000))
def test_a_completed_description_can_be_drawn(d: Description, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stated = partial(d, rng)
    whole = complete(stated, rng)
    clip, _ = render(whole, 2, 16, rng)
    assert clip.shape == (2, 16, 16, 3)
    if d.is_composed:
        assert all(getattr(stated, name) in {None, getattr(whole, name)} for name in ATTRIBUTES)


def test_what_is_not_said_is_drawn_at_random() -> None:
    rng = np.random.default_rng(0)
    drawn = [complete(Description("fish"), rng) for _ in range(100)]
    assert {d.colour for d in drawn} == set(COLOUR_NAMES)
    assert {d.direction for d in drawn} == set(ATTRIBUTES["direction"])
    assert {(d.count, d.backdrop) for d in drawn} == {("1", "underwater")}
