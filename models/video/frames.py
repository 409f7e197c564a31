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
