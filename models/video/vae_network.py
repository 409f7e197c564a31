"""The networks of the conditional variational autoencoder of clips: encoder, prior and decoder.

q(z | clip, c) encodes, p(z | c) is a learned Gaussian prior (Sohn, Lee, Yan, "Learning Structured Output Representation
using Deep Conditional Generative Models", NeurIPS 2015), and the decoder gives any one frame from z, c and its time. Frames
are decoded one by one so that a training step can take a few frames of many clips instead of all frames of a few.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_TIME_WAVES = 8
_GRID = 16  # the decoder starts from a map of 16 x 16 and doubles it twice
_MAP_CHANNELS = 32
_FINE_CHANNELS = 24
_SIDE = 4 * _GRID

FRAME_SIZE = _SIDE
"""Width and height of the decoder's frames, pixels."""


class ConditionalVAE(nn.Module):
    """A VAE of square clips, given a scene and a colour.

    Args:
        scenes: number of scenes.
        colours: number of colours, "none" among them.
        frames: frames of a clip.
        latent_size: numbers that tell clips of one scene and colour apart.
        width: hidden units of the decoder.
    """

    def __init__(self, scenes: int, colours: int, frames: int, latent_size: int, width: int) -> None:
        super().__init__()
        self.scene_embedding = nn.Embedding(scenes, 32)
        self.colour_embedding = nn.Embedding(colours, 16)
        condition_size = 48
        self.encoder = nn.Sequential(
            nn.Conv2d(3 * ((frames + 1) // 2), 32, 4, 2, 1), nn.SiLU(),
            nn.Conv2d(32, 64, 4, 2, 1), nn.SiLU(),
            nn.Conv2d(64, 64, 4, 2, 1), nn.SiLU(),
            nn.Flatten(),
        )  # fmt: skip
        self.posterior = nn.Sequential(
            nn.Linear(64 * (_SIDE // 16) ** 2 + condition_size, 256), nn.SiLU(), nn.Linear(256, 2 * latent_size)
        )
        self.prior = nn.Sequential(nn.Linear(condition_size, 64), nn.SiLU(), nn.Linear(64, 2 * latent_size))
        self.decoder = FrameDecoder(condition_size, latent_size, width)

    def condition(self, scenes: Tensor, colours: Tensor) -> Tensor:
        """Embeds what a clip shows, (N,) and (N,), as (N, condition size)."""
        return torch.cat([self.scene_embedding(scenes), self.colour_embedding(colours)], 1)

    def encode(self, thumbnails: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (N, latent size) of z for clips, given as `thumbnails` of them (N, 3 * frames / 2, S/2, S/2)."""
        features = torch.cat([self.encoder(thumbnails), condition], 1)
        mean, log_variance = self.posterior(features).chunk(2, 1)
        return mean, log_variance.clamp(-8, 4)

    def prior_of(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (N, latent size) of z before a clip is seen."""
        mean, log_variance = self.prior(condition).chunk(2, 1)
        return mean, log_variance.clamp(-6, 4)


class FrameDecoder(nn.Module):
    """Frame at time t of the clip (z, c).

    Scene, colour and z scale and shift the hidden units that see the time (FiLM: Perez et al., AAAI 2018), so scenes use
    different units and hardly disturb each other while they are learned together.
    """

    waves: Tensor

    def __init__(self, condition_size: int, latent_size: int, width: int) -> None:
        super().__init__()
        self.time_in = nn.Linear(latent_size + 1 + 2 * _TIME_WAVES, width)
        self.hidden = nn.Linear(width, width)
        self.modulation = nn.Linear(condition_size + latent_size, 4 * width)
        self.to_map = nn.Linear(width, _MAP_CHANNELS * _GRID**2)
        self.to_fine = nn.Conv2d(_MAP_CHANNELS, 4 * _FINE_CHANNELS, 3, padding=1)
        self.fine_modulation = nn.Linear(width, 2 * _FINE_CHANNELS)
        self.to_pixels = nn.Conv2d(_FINE_CHANNELS, 12, 3, padding=1)
        self.register_buffer("waves", torch.arange(1, _TIME_WAVES + 1) * math.pi, persistent=False)

    def forward(self, z: Tensor, condition: Tensor, times: Tensor) -> Tensor:
        """Frames (N, K, 3, S, S), about 0 to 1, at `times` (N, K) within the clip, 0 to 1."""
        clips, shown = times.shape
        angles = times[..., None] * self.waves
        clock = torch.cat([times[..., None], angles.sin(), angles.cos()], -1)
        modulation = self.modulation(torch.cat([condition, z], 1))[:, None]
        scale_1, scale_2, shift_1, shift_2 = modulation.chunk(4, -1)
        hidden = self.time_in(torch.cat([z[:, None].expand(-1, shown, -1), clock], -1))
        hidden = F.silu(hidden * (1 + scale_1) + shift_1)
        hidden = F.silu(self.hidden(hidden) * (1 + scale_2) + shift_2).flatten(0, 1)
        grid = F.silu(self.to_map(hidden)).view(-1, _GRID, _GRID, _MAP_CHANNELS).permute(0, 3, 1, 2)
        fine = F.pixel_shuffle(self.to_fine(grid), 2)
        scale, shift = self.fine_modulation(hidden)[..., None, None].chunk(2, 1)
        pixels = F.pixel_shuffle(self.to_pixels(F.silu(fine * (1 + scale) + shift)), 2)
        return pixels.view(clips, shown, 3, _SIDE, _SIDE)


def thumbnails(frames: Tensor) -> Tensor:
    """What the encoder sees of clips (N, T, S, S, 3) uint8: every second frame at half size, (N, 3 * T / 2, S/2, S/2) uint8."""
    picked = frames[:, ::2].permute(0, 1, 4, 2, 3)
    halves = [F.avg_pool2d(clip.float(), 2).to(torch.uint8) for clip in picked]
    return torch.stack(halves).flatten(1, 2)


def kl_divergence(mean: Tensor, log_variance: Tensor, prior_mean: Tensor, prior_log_variance: Tensor) -> Tensor:
    """KL(q || p) of diagonal Gaussians, nats, summed over the last axis."""
    spread = (log_variance - prior_log_variance).exp()
    shift = (mean - prior_mean).square() * (-prior_log_variance).exp()
    return 0.5 * (spread + shift - 1 + prior_log_variance - log_variance).sum(-1)
