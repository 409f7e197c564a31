"""Plans say what a clip shows, and training never uses a combination that is held out."""

import numpy as np
import torch

from models.video.cartoons.corpus import render_clips, training_descriptions
from models.video.cartoons.descriptions import Description
from models.video.flow import _mirrored_too
from models.video.flow_network import PLAN_CHANNELS, plans
from models.video.layers import LayeredFrames


def test_a_plan_is_small_and_has_the_motion() -> None:
    clips = render_clips([Description("car", "red", "2", "left", "fast", "day"), Description("waves")], 16, 64, seed=0)
    planned = plans(torch.from_numpy(clips.frames), torch.from_numpy(clips.motion))
    assert planned.shape == (2, PLAN_CHANNELS, 8, 8)
    assert planned.abs().max() < 1.5
    assert (planned[0, -2] < -0.5).all()
    assert (planned[0, -1] == 0).all()
    assert not planned[1, -2:].any()


def test_mirrored_clips_are_described_and_planned_as_such() -> None:
    clips = render_clips(training_descriptions(1, 30, seed=2), 16, 64, seed=0)
    planned, descriptions = _mirrored_too(clips)
    assert len(planned) == len(descriptions) > len(clips.frames)
    assert not any(description.is_held_out for description in descriptions)
    original = next(n for n, d in enumerate(clips.descriptions) if d.direction == "left")
    mirrored = descriptions.index(clips.descriptions[original].mirrored(), len(clips.frames))
    torch.testing.assert_close(planned[mirrored, -2], -planned[original, -2])
    brightness = planned[:, :12].mean(1)
    torch.testing.assert_close(brightness[mirrored], brightness[original].flip(1))


def test_the_foreground_moves_and_the_background_stays() -> None:
    torch.manual_seed(0)
    layers = LayeredFrames(8, 4)
    first = layers.modulation[0]
    assert isinstance(first, torch.nn.Linear)
    with torch.no_grad():
        first.weight[:, -17:] = 0  # nothing but the motion depends on the time
        maps, pooled = torch.randn(1, 8, 8, 8).expand(3, -1, -1, -1), torch.randn(1, 4).expand(3, -1)
        times = torch.tensor([0.25, 0.5, 0.75])
        still = layers(maps, torch.zeros(3, 2), pooled, times)
        moving = layers(maps, torch.tensor([[0.5, 0.0]]).expand(3, -1), pooled, times)
    np.testing.assert_allclose(still[0], still[2], atol=1e-5)
    np.testing.assert_allclose(moving[1], still[1], atol=1e-5)
    assert (moving[0] - moving[2]).abs().mean() > 1e-3
