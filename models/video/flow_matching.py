"""Flow matching: noise is moved to data along straight lines, by a velocity that is learned.

Lipman et al., "Flow Matching for Generative Modeling", and Liu, Gong, Liu, "Flow Straight and Fast" (rectified flow), both ICLR
2023.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Velocity = Callable[[Tensor, Tensor], Tensor]
"""Values (N, D) on the way and their times (N, 1), 0 for noise and 1 for data -> velocity (N, D)."""


def matching_loss(
    velocity: Velocity, noise: Tensor, data: Tensor, rng: torch.Generator, rows: slice = slice(None)
) -> Tensor:
    """Return the mean squared error of the velocity at random times on straight lines.

    Args:
        velocity: the network.
        noise: (N, D) where the lines begin.
        data: (N, D) where they end; NaN is missing: it does not count, and stays noise.
        rng: draws the times.
        rows: only the share of these rows in the mean is computed.
    """
    is_missing = data.isnan()
    way = torch.where(is_missing, 0.0, data - noise)
    times = torch.rand(len(data), 1, generator=rng)
    error = velocity((noise + times * way)[rows], times[rows]) - way[rows]
    return error.masked_fill(is_missing[rows], 0.0).square().sum() / (~is_missing).sum()


def moved(velocity: Velocity, noise: Tensor, steps: int) -> Tensor:
    """Return where noise (N, D) ends, by Euler's method."""
    values = noise
    for step in range(steps):
        times = torch.full((len(values), 1), step / steps)
        values = values + velocity(values, times) / steps
    return values
