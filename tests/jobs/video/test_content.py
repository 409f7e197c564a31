"""The detector finds a face in a real photograph, and nothing in the project's own clips."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from jobs.video import content
from jobs.video.content import EXPOSED, FACES, doubts, shown
from models.video.cartoons.corpus import render
from models.video.cartoons.descriptions import Description


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    """A portrait, from matplotlib's examples."""
    return Image.open(Path(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg")).convert("RGB")


@pytest.mark.parametrize("size", [(256, 300), (300, 300), (180, 300)])
def test_a_face_is_found_in_a_clip_of_any_shape(photograph: Image.Image, size: tuple[int, int]) -> None:
    clip = np.stack([np.asarray(photograph.resize(size))] * 4)
    shows = shown(clip)
    assert {*shows} & {*FACES}
    assert not {*shows} & {*EXPOSED}
    assert doubts(shows, faces=True)
    assert doubts(shows, faces=False) == []


def test_a_face_in_one_of_three_parts_of_a_clip_is_found(photograph: Image.Image) -> None:
    face = np.asarray(photograph.resize((128, 150)))
    clip = np.stack([np.zeros_like(face)] * 10 + [face] * 5)
    assert {*shown(clip)} & {*FACES}
    assert shown(clip[:10]) == {}


@pytest.mark.parametrize("subject", ["cat", "heart", "dress", "balloon"])
def test_the_own_clips_show_nothing_doubtful(subject: str) -> None:
    said = Description(subject, "pink", "2", "left", "fast", "day") if subject == "balloon" else Description(subject)
    clip, _ = render(said, 6, 64, np.random.default_rng(0))
    assert doubts(shown(clip), faces=True) == []


def test_all_labels_are_known() -> None:
    assert {*EXPOSED, *FACES} <= {*content._detector()[1]}


@pytest.mark.parametrize("label", EXPOSED)
def test_what_is_exposed_is_doubtful(label: str) -> None:
    assert doubts({label: 0.71}, faces=False) == ["the clip may show nudity (score 0.71)"]
