"""Moving objects look as their description says."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from models.video.cartoons.corpus import render
from models.video.cartoons.descriptions import ATTRIBUTES, Description
from models.video.cartoons.objects import OBJECTS
from models.video.cartoons.scenes import COLOURS

RED = Description("ball", "red", "2", "left", "fast", "day")


def _clip(description: Description) -> np.ndarray:
    return render(description, 16, 64, np.random.default_rng(0))[0].astype(int)


def _places(description: Description) -> np.ndarray:
    """Return where pixels of the object's colour are in each frame, (T, S, S)."""
    colour = np.array(COLOURS[description.colour or ""]) * 255
    return np.abs(_clip(description) - colour).max(-1) < 12


@pytest.mark.parametrize("subject", OBJECTS)
@pytest.mark.parametrize("count", ATTRIBUTES["count"])
def test_as_many_objects_as_asked_for_are_seen(subject: str, count: str) -> None:
    image = _places(replace(RED, subject=subject, count=count, speed="slow"))[8]
    parts, number = ndimage.label(ndimage.binary_closing(image, iterations=2))
    sizes = ndimage.sum(image, parts, range(1, number + 1))
    assert (sizes > 12).sum() == int(count)


@pytest.mark.parametrize("subject", OBJECTS)
@pytest.mark.parametrize("direction", ATTRIBUTES["direction"])
def test_objects_move_in_their_direction(subject: str, direction: str) -> None:
    description = replace(RED, subject=subject, direction=direction)
    _, (right, down) = render(description, 16, 64, np.random.default_rng(0))
    centres = np.array([np.argwhere(frame).mean(0) for frame in _places(description)[[5, 10]]]) / 64
    moved_down, moved_right = (centres[1] - centres[0]) * 16 / 5
    np.testing.assert_allclose([moved_right, moved_down], [right, down], atol=0.1)
    expected = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}[direction]
    assert (np.sign(right), np.sign(down)) == expected


def test_fast_objects_move_further() -> None:
    slow, fast = (render(replace(RED, speed=s), 16, 64, np.random.default_rng(0))[1][0] for s in ("slow", "fast"))
    assert fast < 2 * slow < 0


def test_every_backdrop_and_every_object_looks_different() -> None:
    clips = [_clip(replace(RED, backdrop=backdrop)) for backdrop in ATTRIBUTES["backdrop"]]
    clips += [_clip(replace(RED, subject=subject)) for subject in OBJECTS if subject != RED.subject]
    for n, clip in enumerate(clips):
        assert all(np.abs(clip - other).mean() > 1 for other in clips[:n])
