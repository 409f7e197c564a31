"""Network of where objects move: draws positions and motion at random, given what a prompt says."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.cartoons.descriptions import MOST_OBJECTS
from models.video.flow_matching import matching_loss, moved

_LAYOUT_SIZE = 4 * MOST_OBJECTS
_HIDDEN_SIZE = 256
_EULER_STEPS = 24


class LayoutFlow(nn.Module):
    """Network: what a prompt says of objects -> where they move, drawn at random.

    Noise is moved to layouts along straight lines (see `flow_matching`).

    Args:
        sizes: numbers of objects, counts, directions and speeds.
    """

    def __init__(self, sizes: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.sizes = sizes
        self.velocity = nn.Sequential(
            nn.Linear(_LAYOUT_SIZE + 1 + sum(sizes), _HIDDEN_SIZE), nn.SiLU(),
            nn.Linear(_HIDDEN_SIZE, _HIDDEN_SIZE), nn.SiLU(),
            nn.Linear(_HIDDEN_SIZE, _HIDDEN_SIZE), nn.SiLU(),
            nn.Linear(_HIDDEN_SIZE, _LAYOUT_SIZE),
        )  # fmt: skip

    def loss(self, layouts: Tensor, said: Tensor, rng: torch.Generator) -> Tensor:
        """Return the mean squared error of the velocity at random times; the values of missing objects do not count.

        Args:
            layouts: (N, 3, 4), NaN for missing objects.
            said: (N, 4) int64, the object, count, direction and speed.
            rng: draws noise and times.
        """
        data = _scaled(layouts)
        noise = torch.randn(data.shape, generator=rng)
        return matching_loss(partial(self._velocity, said=said), noise, data, rng)

    def draw(self, said: Tensor, rng: torch.Generator) -> Tensor:
        """Return random layouts (N, 3, 4) for what is said (N, 4)."""
        noise = torch.randn(len(said), _LAYOUT_SIZE, generator=rng)
        values = moved(partial(self._velocity, said=said), noise, _EULER_STEPS)
        layouts = (values / _SCALE + 0.5 * _IS_POSITION).view(-1, MOST_OBJECTS, 4)
        layouts[torch.arange(MOST_OBJECTS) > said[:, 1:2]] = torch.nan
        return layouts

    def _velocity(self, values: Tensor, times: Tensor, said: Tensor) -> Tensor:
        given = [F.one_hot(said[:, n], size).float() for n, size in enumerate(self.sizes)]
        # The values of missing objects are noise, also in `draw`.
        velocity: Tensor = self.velocity(torch.cat([values, times, *given], 1))
        return velocity


_IS_POSITION = torch.tensor([1.0, 1.0, 0.0, 0.0]).repeat(MOST_OBJECTS)
_SCALE = 4.0


def _scaled(layouts: Tensor) -> Tensor:
    """Return layouts as (N, 12) with about zero mean and unit variance."""
    return _SCALE * (layouts.flatten(1) - 0.5 * _IS_POSITION)
