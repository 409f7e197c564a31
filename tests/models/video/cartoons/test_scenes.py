"""The rendered scenes have the right shape, motion and colour, and can be told apart."""

import numpy as np
import pytest

from models.video.cartoons.scenes import COLOUR_NAMES, SCENE_NAMES, SCENES, Clips, render, render_clips, write_captions
from models.video.scene_judge import SceneJudge


@pytest.fixture(scope="module")
def clips() -> Clips:
    return render_clips(8, 16, 32, seed=1)


@pytest.mark.parametrize("scene", SCENE_NAMES)
def test_scene_moves_and_depends_only_on_its_seed(scene: str) -> None:
    first, again, other = (render(scene, "red", 16, 64, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert first.shape == (16, 64, 64, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert SceneJudge.motion(first[None]) > 0.5


@pytest.mark.parametrize("scene", [scene.name for scene in SCENES.values() if scene.coloured])
def test_coloured_scene_shows_its_colour(scene: str) -> None:
    red, blue = (render(scene, colour, 16, 64, np.random.default_rng(0)).astype(int) for colour in ("red", "blue"))
    changed = (red != blue).any(axis=(0, 3))
    assert changed.sum() > 30
    assert (red - blue)[:, changed, 0].mean() > 0 > (red - blue)[:, changed, 2].mean()


def test_clips_are_balanced_over_scenes_and_colours(clips: Clips) -> None:
    assert np.bincount(clips.scenes).tolist() == [8] * len(SCENE_NAMES)
    coloured = [i for i, scene in enumerate(SCENES.values()) if scene.coloured]
    for scene in coloured:
        assert sorted(clips.colours[clips.scenes == scene]) == list(range(len(COLOUR_NAMES)))


def test_judge_classifies_unseen_clips(clips: Clips) -> None:
    unseen = render_clips(8, 16, 32, seed=2)
    assert (SceneJudge(clips).scenes(unseen.frames) == unseen.scenes).mean() >= 0.98


def test_judge_is_no_better_than_chance_on_wrong_labels(clips: Clips) -> None:
    shuffled = clips.frames[np.random.default_rng(0).permutation(len(clips.frames))]
    assert (SceneJudge(clips).scenes(shuffled) == clips.scenes).mean() < 0.2


def test_captions_name_the_colours_they_are_labelled_with() -> None:
    captions = write_captions(60, seed=3)
    english = [(t, c) for t, c in zip(captions.texts, captions.colours, strict=True) if t.isascii()]
    named = [(t, COLOUR_NAMES[c]) for t, c in english if c < len(COLOUR_NAMES)]
    assert len(named) > 100
    synonyms = {"red": "crimson", "yellow": "golden", "purple": "violet"}
    assert all(colour in text or synonyms.get(colour, colour) in text for text, colour in named)
    assert sum(text.isascii() for text in captions.texts) == len(captions.texts) // 2
