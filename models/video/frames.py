"""The frames that the project's own networks compute and see."""

import torch
from torch import Tensor
from torch.nn import functional as F

FRAME_SIZE = 64
"""Width and height of the frames of all networks, pixels."""


def thumbnails(frames: Tensor) -> Tensor:
    """Return every second frame of clips (N, T, S, S, 3) at half size: (N, 3 * T / 2, S/2, S/2) uint8, the input of encoders."""
    sampled = frames[:, ::2].permute(0, 1, 4, 2, 3)
    halves = [F.avg_pool2d(clip.float(), 2).to(torch.uint8) for clip in sampled]
    return torch.stack(halves).flatten(1, 2)


def encoder_inputs(frames: Tensor) -> Tensor:
    """Return `thumbnails` of clips (N, T, S, S, 3) with their middle frame in full: (N, 3 * T / 2 + 12, S/2, S/2) uint8."""
    middle = frames[:, frames.shape[1] // 2].permute(0, 3, 1, 2)
    return torch.cat([thumbnails(frames), F.pixel_unshuffle(middle, 2)], 1)
