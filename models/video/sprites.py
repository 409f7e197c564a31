"""Networks of moving objects: what an object looks like, and where objects move.

An object is a sprite: an image with opacity, which is placed anywhere in a frame by bilinear interpolation, so that the loss has
gradients (spatial transformers: Jaderberg et al., NIPS 2015). The colour is separate from the look: each pixel is a colour of its
own plus a share of the colour that the caption names. So a network that has seen red fish and blue cars can draw blue fish.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.cartoons.descriptions import MOST_OBJECTS
from models.video.frames import FRAME_SIZE

SPRITE_SIZE = FRAME_SIZE // 2
"""Width and height of a sprite, pixels."""

_CHANNELS = 48
_COLOUR_SCALE = 4.0  # makes colours learn as fast as images
_LAYOUT_SIZE = 4 * MOST_OBJECTS
_HIDDEN_SIZE = 256
_EULER_STEPS = 24
_CANDIDATES = 16
_APART = 0.28  # distance of objects, as a fraction of the frame


class Sprites(nn.Module):
    """Network: an object, the direction that it faces and a colour -> its sprite.

    Args:
        objects: number of objects.
        colours: number of colours.
    """

    def __init__(self, objects: int, colours: int) -> None:
        super().__init__()
        quarter = SPRITE_SIZE // 4
        self.objects = nn.Embedding(2 * objects, 64)
        self.colours = nn.Embedding(colours, 3)
        nn.init.constant_(self.colours.weight, 0.5 / _COLOUR_SCALE)
        self.to_map = nn.Linear(64, _CHANNELS * quarter**2)
        self.to_fine = nn.Conv2d(_CHANNELS, 4 * _CHANNELS, 3, padding=1)
        self.to_pixels = nn.Conv2d(_CHANNELS, 4 * 5, 3, padding=1)

    def forward(self, objects: Tensor, faces_left: Tensor, colours: Tensor) -> Tensor:
        """Return sprites (N, 4, P, P): red, green and blue, about 0 to 1 and multiplied by opacity, and opacity.

        Args:
            objects: (N,) int64.
            faces_left: (N,) bool.
            colours: (N,) int64.
        """
        quarter = SPRITE_SIZE // 4
        hidden = F.silu(self.to_map(self.objects(2 * objects + faces_left))).view(-1, _CHANNELS, quarter, quarter)
        hidden = F.silu(F.pixel_shuffle(self.to_fine(hidden), 2))
        pixels = F.pixel_shuffle(self.to_pixels(hidden), 2)
        opacity = pixels[:, 4:].sigmoid()
        tint = _COLOUR_SCALE * self.colours(colours)[:, :, None, None] * pixels[:, 3:4]
        return torch.cat([(pixels[:, :3] + tint) * opacity, opacity], 1)


def place(frames: Tensor, sprites: Tensor, layouts: Tensor, times: Tensor) -> Tensor:
    """Paint moving sprites on frames, those of later objects over those of earlier ones.

    Args:
        frames: (N, K, 3, S, S).
        sprites: (N, 4, P, P), the sprite of all objects of a clip.
        layouts: (N, 3, 4) where the objects move, see `cartoons.compositions.draw_layout`; NaN for missing objects.
        times: (N, K) of the frames within the clip, 0 to 1.

    Returns:
        (N, K, 3, S, S).
    """
    clips, frame_count, _, size, _ = frames.shape
    zoom = FRAME_SIZE / SPRITE_SIZE
    for layout in layouts.unbind(1):
        centres = layout[:, None, :2] + layout[:, None, 2:] * (times[..., None] - 0.5)
        centres = torch.nan_to_num(centres, nan=-2.0).flatten(0, 1)  # far outside
        affine = torch.zeros(len(centres), 2, 3)
        affine[:, 0, 0] = affine[:, 1, 1] = zoom
        affine[:, :, 2] = zoom * (1 - 2 * centres)
        grid = F.affine_grid(affine, [len(centres), 4, size, size], align_corners=False)
        moved = F.grid_sample(sprites.repeat_interleave(frame_count, 0), grid, align_corners=False)
        moved = moved.view(clips, frame_count, 4, size, size)
        frames = frames * (1 - moved[:, :, 3:]) + moved[:, :, :3]
    return frames


class LayoutFlow(nn.Module):
    """Network: what a prompt says of objects -> where they move, drawn at random.

    Noise is moved to layouts along straight lines (rectified flow: Liu, Gong, Liu, ICLR 2023).

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
        target = _scaled(layouts)
        is_missing = target.isnan()
        noise = torch.randn(target.shape, generator=rng)
        times = torch.rand(len(target), 1, generator=rng)
        target = torch.where(is_missing, noise, target)
        error = self._velocity(noise + times * (target - noise), times, said) - (target - noise)
        return error[~is_missing].square().mean()

    def draw(self, said: Tensor, rng: torch.Generator) -> Tensor:
        """Return a random layout (1, 3, 4) for what is said (1, 4): of several drawn ones, one whose objects are apart."""
        values = torch.randn(_CANDIDATES, _LAYOUT_SIZE, generator=rng)
        for step in range(_EULER_STEPS):
            times = torch.full((_CANDIDATES, 1), step / _EULER_STEPS)
            values = values + self._velocity(values, times, said.expand(_CANDIDATES, -1)) / _EULER_STEPS
        layouts = (values / _SCALE + 0.5 * _IS_POSITION).view(_CANDIDATES, MOST_OBJECTS, 4)
        objects = layouts[:, : int(said[0, 1]) + 1]
        apart = torch.cdist(objects[:, :, :2], objects[:, :, :2]) + torch.eye(objects.shape[1])
        best = apart.flatten(1).amin(1).clamp(max=_APART).argmax()
        layouts[:, objects.shape[1] :] = torch.nan
        return layouts[best : best + 1]

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
