"""Moving objects look as their description says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from models.video.cartoons.canvas import Canvas
from models.video.cartoons.compositions import RADIUS, paint
from models.video.cartoons.corpus import render
from models.video.cartoons.descriptions import ATTRIBUTES, Description, compositions
from models.video.cartoons.objects import OBJECTS

RED = Description("ball", "red", "2", "left", "fast", "day")


def _clip(description: Description) -> np.ndarray:
    return render(description, 16, 64, np.random.default_rng(0))[0].astype(int)


def _places(description: Description) -> np.ndarray:
    """Return where the objects are in each frame, (T, S, S)."""
    return np.abs(_clip(description) - _clip(Description(None, backdrop=description.backdrop))).max(-1) > 40


@pytest.mark.parametrize("subject", OBJECTS)
@pytest.mark.parametrize("count", ATTRIBUTES["count"])
def test_as_many_objects_as_asked_for_are_seen(subject: str, count: str) -> None:
    image = _places(replace(RED, subject=subject, count=count, speed="slow"))[8]
    _, number = ndimage.label(ndimage.binary_opening(image, iterations=3))
    assert number == int(count)


@pytest.mark.parametrize("subject", OBJECTS)
@pytest.mark.parametrize("direction", ATTRIBUTES["direction"])
def test_objects_move_in_their_direction(subject: str, direction: str) -> None:
    description = replace(RED, subject=subject, direction=direction, speed="slow")
    _, layout = render(description, 16, 64, np.random.default_rng(0))
    right, down = layout[0, 2:]
    centres = np.array([np.argwhere(frame).mean(0) for frame in _places(description)[[5, 10]]]) / 64
    moved_down, moved_right = (centres[1] - centres[0]) * 16 / 5
    np.testing.assert_allclose([moved_right, moved_down], [right, down], atol=0.1)
    expected = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}[direction]
    assert (np.sign(right), np.sign(down)) == expected


def test_fast_objects_move_further() -> None:
    slow, fast = (render(replace(RED, speed=s), 16, 64, np.random.default_rng(0))[1][0, 2] for s in ("slow", "fast"))
    assert fast < 2 * slow < 0


def test_every_backdrop_and_every_object_looks_different() -> None:
    clips = [_clip(replace(RED, backdrop=backdrop)) for backdrop in ATTRIBUTES["backdrop"]]
    clips += [_clip(replace(RED, subject=subject)) for subject in OBJECTS if subject != RED.subject]
    for n, clip in enumerate(clips):
        assert all(np.abs(clip - other).mean() > 1 for other in clips[:n])


@given(st.sampled_from(compositions()), st.integers(0, 1000))
def test_objects_start_apart_and_their_number_is_right(description: Description, seed: int) -> None:
    layout = paint(Canvas(2, 16), np.random.default_rng(seed), description)
    places = layout[~np.isnan(layout).any(1), :2]
    assert len(places) == int(description.count or 0)
    assert all(np.hypot(*(a - b)) > 1.5 * RADIUS for n, a in enumerate(places) for b in places[:n])
    assert (layout[0, 2:] == layout[: len(places), 2:]).all()
