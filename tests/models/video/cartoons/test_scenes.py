"""The rendered scenes have the right shape, motion and colour."""

import numpy as np
import pytest

from models.video.cartoons.corpus import render
from models.video.cartoons.descriptions import Description
from models.video.cartoons.scenes import SCENE_NAMES, SCENES
from models.video.judge import motion


@pytest.mark.parametrize("scene", SCENE_NAMES)
def test_scene_moves_and_depends_only_on_its_seed(scene: str) -> None:
    first, again, other = (
        render(Description(scene, "red"), 16, 64, np.random.default_rng(seed))[0] for seed in (7, 7, 8)
    )
    assert first.shape == (16, 64, 64, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert motion(first[None]) > 0.5


@pytest.mark.parametrize("scene", [scene.name for scene in SCENES.values() if scene.coloured])
def test_coloured_scene_shows_its_colour(scene: str) -> None:
    red, blue = (
        render(Description(scene, colour), 16, 64, np.random.default_rng(0))[0].astype(int)
        for colour in ("red", "blue")
    )
    changed = (red != blue).any(axis=(0, 3))
    assert changed.sum() > 30
    assert (red - blue)[:, changed, 0].mean() > 0 > (red - blue)[:, changed, 2].mean()
