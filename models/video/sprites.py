"""Network of objects: what an object looks like, as a sprite that can be placed in a frame.

An object is a sprite: an image with opacity, which is placed anywhere in a frame by bilinear interpolation, so that the loss has
gradients (spatial transformers: Jaderberg et al., NIPS 2015). The colour is separate from the look: each pixel is a colour of its
own plus a share of the colour that the caption names. So a network that has seen red fish and blue cars can draw blue fish.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.frames import FRAME_SIZE

SPRITE_SIZE = FRAME_SIZE // 2
"""Width and height of a sprite, pixels."""

_SHAPE_SIZE = 64
LOOK_SIZE = _SHAPE_SIZE + 3
"""Length of the vector of what an object looks like."""

_CHANNELS = 48
_COLOUR_SCALE = 4.0  # makes colours learn as fast as images


class Sprites(nn.Module):
    """Network: an object, the direction that it faces and a colour -> its sprite.

    Args:
        objects: number of objects.
        colours: number of colours.
    """

    def __init__(self, objects: int, colours: int) -> None:
        super().__init__()
        quarter = SPRITE_SIZE // 4
        self.objects = nn.Embedding(2 * objects, _SHAPE_SIZE)
        self.colours = nn.Embedding(colours, 3)
        nn.init.constant_(self.colours.weight, 0.5 / _COLOUR_SCALE)
        self.to_map = nn.Linear(_SHAPE_SIZE, _CHANNELS * quarter**2)
        self.to_fine = nn.Conv2d(_CHANNELS, 4 * _CHANNELS, 3, padding=1)
        self.to_pixels = nn.Conv2d(_CHANNELS, 4 * 5, 3, padding=1)

    def look(self, objects: Tensor, faces_left: Tensor, colours: Tensor) -> Tensor:
        """Return what objects look like, (N, LOOK_SIZE), including their colour.

        Args:
            objects: (N,) int64.
            faces_left: (N,) bool.
            colours: (N,) int64.
        """
        return torch.cat([self.objects(2 * objects + faces_left), self.colours(colours)], 1)

    def forward(self, looks: Tensor) -> Tensor:
        """Return the sprites (N, 4, P, P) of looks (N, LOOK_SIZE).

        Red, green and blue are about 0 to 1 and multiplied by opacity, which is the fourth channel.
        """
        quarter = SPRITE_SIZE // 4
        shapes, colours = looks.split([_SHAPE_SIZE, 3], 1)
        hidden = F.silu(self.to_map(shapes)).view(-1, _CHANNELS, quarter, quarter)
        hidden = F.silu(F.pixel_shuffle(self.to_fine(hidden), 2))
        pixels = F.pixel_shuffle(self.to_pixels(hidden), 2)
        opacity = pixels[:, 4:].sigmoid()
        tint = _COLOUR_SCALE * colours[:, :, None, None] * pixels[:, 3:4]
        return torch.cat([(pixels[:, :3] + tint) * opacity, opacity], 1)


def place(frames: Tensor, sprites: Tensor, centres: Tensor) -> Tensor:
    """Paint sprites on frames, those of later objects over those of earlier ones.

    Args:
        frames: (N, K, 3, S, S).
        sprites: (N, 4, P, P), the sprite of all objects of a clip.
        centres: (N, 3, K, 2) where each object is in each frame, see `latents.Latents`; NaN for missing objects.

    Returns:
        (N, K, 3, S, S).
    """
    clips, frame_count, _, size, _ = frames.shape
    zoom = FRAME_SIZE / SPRITE_SIZE
    for centre in torch.nan_to_num(centres, nan=-2.0).unbind(1):  # missing ones are far outside
        at = centre.flatten(0, 1)
        affine = torch.zeros(len(at), 2, 3)
        affine[:, 0, 0] = affine[:, 1, 1] = zoom
        affine[:, :, 2] = zoom * (1 - 2 * at)
        grid = F.affine_grid(affine, [len(at), 4, size, size], align_corners=False)
        moved = F.grid_sample(sprites.repeat_interleave(frame_count, 0), grid, align_corners=False)
        moved = moved.view(clips, frame_count, 4, size, size)
        frames = frames * (1 - moved[:, :, 3:]) + moved[:, :, :3]
    return frames
