"""Last layers of all decoders: a moving foreground in front of a background.

The foreground has an opacity, and is shifted from frame to frame by the motion of the clip (Vondrick, Pirsiavash, Torralba,
"Generating Videos with Scene Dynamics", NIPS 2016, with motion added). So a network learns the look of an object at one place,
and objects keep their shape while they move.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.frames import FRAME_SIZE

MAP_SIZE = FRAME_SIZE // 8
"""Width and height of the map that a decoder passes on."""

_TIME_WAVES = 8
_FINE_CHANNELS = 32
_LAYERS = 7  # red, green and blue of the background, and of the foreground with its opacity


class LayeredFrames(nn.Module):
    """Network: a map of a clip, the motion of its objects, an encoded prompt and a time -> the frame of that time.

    Prompt and time scale and shift the channels of each layer (FiLM: Perez et al., AAAI 2018).

    Args:
        channels: of the map.
        text_size: length of the vector of a prompt.
    """

    waves: Tensor

    def __init__(self, channels: int, text_size: int) -> None:
        super().__init__()
        self.text_norm = nn.LayerNorm(text_size)
        self.modulation = nn.Sequential(
            nn.Linear(1 + 2 * _TIME_WAVES + text_size, 128), nn.SiLU(),
            nn.Linear(128, 4 * channels + 2 * _FINE_CHANNELS),
        )  # fmt: skip
        self.mixed = nn.Conv2d(channels, channels, 3, padding=1)
        self.fine = nn.Conv2d(channels, 4 * _FINE_CHANNELS, 3, padding=1)
        self.pixels = nn.Conv2d(_FINE_CHANNELS, 16 * _LAYERS, 3, padding=1)
        self.register_buffer("waves", torch.arange(1, _TIME_WAVES + 1) * math.pi, persistent=False)

    def forward(self, maps: Tensor, motion: Tensor, pooled: Tensor, times: Tensor) -> Tensor:
        """Return frames (N, 3, S, S), about 0 to 1.

        Args:
            maps: (N, C, 8, 8).
            motion: (N, 2), how far the foreground moves to the right and downwards in the whole clip, as fractions of the frame.
            pooled: (N, E) encoded prompts.
            times: (N,) within the clip, 0 to 1.
        """
        angles = times[:, None] * self.waves
        given = torch.cat([self.text_norm(pooled), times[:, None], angles.sin(), angles.cos()], 1)
        modulation = self.modulation(given)[..., None, None]
        coarse, fine = modulation[:, : 4 * maps.shape[1]].chunk(4, 1), modulation[:, 4 * maps.shape[1] :].chunk(2, 1)
        hidden = F.silu(maps * (1 + coarse[0]) + coarse[1])
        hidden = F.silu(self.mixed(hidden) * (1 + coarse[2]) + coarse[3])
        hidden = F.silu(F.pixel_shuffle(self.fine(hidden), 2) * (1 + fine[0]) + fine[1])
        layers = F.pixel_shuffle(self.pixels(hidden), 4)
        background, foreground = layers[:, :3], _shifted(layers[:, 3:], motion * (times[:, None] - 0.5))
        return background + foreground[:, 3:].sigmoid() * (foreground[:, :3] - background)


def _shifted(images: Tensor, shifts: Tensor) -> Tensor:
    """Shift images (N, C, S, S) to the right and downwards by (N, 2) fractions of their size."""
    affine = torch.zeros(len(images), 2, 3)
    affine[:, 0, 0] = affine[:, 1, 1] = 1.0
    affine[:, :, 2] = -2 * shifts
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
