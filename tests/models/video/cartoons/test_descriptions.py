"""Descriptions, and which of them are held out of training."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.video.cartoons.backdrops import BACKDROPS
from models.video.cartoons.corpus import compositions_to_train_on, pictures
from models.video.cartoons.descriptions import ATTRIBUTES, Description, compositions, described, labels
from models.video.cartoons.scenes import SCENES

ALL = compositions()


def test_there_are_enough_subjects_and_all_combinations() -> None:
    assert len(SCENES) + len(BACKDROPS) >= 24
    assert len(set(ALL)) == len(ALL) == 14 * 8 * 3 * 4 * 2 * 7


def test_the_held_out_combinations_are_always_the_same_share() -> None:
    held_out = [description for description in ALL if description.is_held_out]
    assert 0.12 <= len(held_out) / len(ALL) <= 0.18
    assert not Description("balloon", "red", "3", "left", "slow", "day").is_held_out
    # Each value occurs in training, so that a model can learn it.
    for position, values in enumerate(ATTRIBUTES.values()):
        seen = {labels([d])[0, position] for d in ALL[::11] if not d.is_held_out}
        assert len(seen) >= (14 if position == 0 else len(values))


@given(st.sampled_from(ALL), st.sampled_from(ATTRIBUTES["speed"]), st.sampled_from(ATTRIBUTES["backdrop"]))
def test_a_combination_is_held_out_with_any_speed_and_backdrop(d: Description, speed: str, backdrop: str) -> None:
    assert d.is_held_out == replace(d, speed=speed, backdrop=backdrop).is_held_out == replace(d, speed=None).is_held_out


def test_nothing_held_out_is_trained_on() -> None:
    descriptions = pictures(8) + compositions_to_train_on(8000, seed=3)
    assert not any(description.is_held_out for description in descriptions)
    assert {d.subject for d in descriptions} == {*ATTRIBUTES["subject"], None}
    assert {d.backdrop for d in descriptions} == {*ATTRIBUTES["backdrop"], None}


@given(st.lists(st.tuples(*[st.integers(0, len(values)) for values in ATTRIBUTES.values()]), min_size=1))
def test_labels_can_be_turned_back(rows: list[tuple[int, ...]]) -> None:
    np.testing.assert_array_equal(labels(described(np.array(rows))), rows)


@given(st.sampled_from(ALL))
def test_reversed_twice_is_the_same(d: Description) -> None:
    assert d.reversed().reversed() == d != d.reversed()
