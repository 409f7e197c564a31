"""Latents: the numbers from which the decoder draws a clip. Each generator has its own way from a prompt to latents."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.video.cartoons.descriptions import MOST_OBJECTS


@dataclass(frozen=True)
class Latents:
    """Latents of N clips of T frames.

    Attributes:
        pictures: (N, P) the picture that fills the frame: a scene, or what is behind the objects.
        looks: (N, A) what all objects of a clip look like, and their colour; NaN for clips without objects.
        centres: (N, 3, T, 2) where each object is in each frame, x to the right and y downwards, as fractions of the frame; NaN
            for missing objects, which come last.
    """

    pictures: Tensor
    looks: Tensor
    centres: Tensor

    def __getitem__(self, chosen: Tensor) -> "Latents":
        """Return the latents of the chosen clips."""
        return Latents(self.pictures[chosen], self.looks[chosen], self.centres[chosen])

    @property
    def counts(self) -> Tensor:
        """Number of objects of each clip, (N,) int64, 0 to 3."""
        return MOST_OBJECTS - self.centres[:, :, 0, 0].isnan().sum(1)


def frame_times(frames: int) -> Tensor:
    """Return the times of the frames within their clip, (1, T): from 0 to just below 1."""
    return torch.arange(frames)[None] / frames


def moving(layouts: Tensor, times: Tensor) -> Tensor:
    """Return where objects are at some times, (N, 3, K, 2).

    Args:
        layouts: (N, 3, 4), see `cartoons.compositions.draw_layout`.
        times: (N, K) or (1, K) within the clip, 0 to 1.
    """
    return layouts[:, :, None, :2] + layouts[:, :, None, 2:] * (times[:, None, :, None] - 0.5)


def layouts_of(centres: Tensor) -> Tensor:
    """Return the layouts (N, 3, 4) of objects that move straight ahead, from their centres (N, 3, T, 2)."""
    frames = centres.shape[2]
    way = (centres[:, :, -1] - centres[:, :, 0]) * frames / (frames - 1)
    return torch.cat([centres[:, :, 0] + way / 2, way], 2)


class Scale(nn.Module):
    """Shifts and scales each value of vectors to zero mean and unit variance, and back.

    Args:
        size: D, number of values.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))

    def fit(self, values: Tensor) -> None:
        """Compute mean and variance of values (N, D); NaN does not count. Values that are all the same are only shifted."""
        self.mean = values.nanmean(0)
        spread = (values - self.mean).square().nanmean(0).sqrt()
        self.spread = torch.where(spread > 1e-6, spread, 1.0)

    def down(self, values: Tensor) -> Tensor:
        """Return values (N, D) with zero mean and unit variance."""
        return (values - self.mean) / self.spread

    def up(self, values: Tensor) -> Tensor:
        """Return the values (N, D) whose scaled ones are given."""
        return values * self.spread + self.mean
