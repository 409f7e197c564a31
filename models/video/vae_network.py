"""Networks of the conditional variational autoencoder of clips: encoder, prior and decoder.

q(z | clip, c) is the encoder, p(z | c) a learned Gaussian prior (Sohn, Lee, Yan, "Learning Structured Output Representation
using Deep Conditional Generative Models", NeurIPS 2015), and the decoder computes single frames from z, c and time. So a
training step can use a few frames of many clips instead of all frames of a few clips.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.frames import FRAME_SIZE

_TIME_WAVES = 8
_GRID = FRAME_SIZE // 4  # the decoder starts with a 16 x 16 map and doubles its size twice
_MAP_CHANNELS = 32
_FINE_CHANNELS = 24


class ConditionalVAE(nn.Module):
    """VAE of square clips, conditioned on a scene and a colour.

    Args:
        scenes: number of scenes.
        colours: number of colours, including "none".
        frames: frames of a clip.
        embedding_size: length of z.
        hidden_size: units of the hidden layers of the decoder.
    """

    def __init__(self, scenes: int, colours: int, frames: int, embedding_size: int, hidden_size: int) -> None:
        super().__init__()
        self.scene_embedding = nn.Embedding(scenes, 32)
        self.colour_embedding = nn.Embedding(colours, 16)
        self.condition_size = self.scene_embedding.embedding_dim + self.colour_embedding.embedding_dim
        self.encoder = nn.Sequential(
            nn.Conv2d(3 * ((frames + 1) // 2), 32, 4, 2, 1), nn.SiLU(),
            nn.Conv2d(32, 64, 4, 2, 1), nn.SiLU(),
            nn.Conv2d(64, 64, 4, 2, 1), nn.SiLU(),
            nn.Flatten(),
        )  # fmt: skip
        self.posterior = nn.Sequential(
            nn.Linear(64 * (FRAME_SIZE // 16) ** 2 + self.condition_size, 256),
            nn.SiLU(),
            nn.Linear(256, 2 * embedding_size),
        )
        self.prior = nn.Sequential(nn.Linear(self.condition_size, 64), nn.SiLU(), nn.Linear(64, 2 * embedding_size))
        self.decoder = FrameDecoder(self.condition_size, embedding_size, hidden_size)

    def condition(self, scenes: Tensor, colours: Tensor) -> Tensor:
        """Embed scenes (N,) and colours (N,) as (N, condition_size)."""
        return torch.cat([self.scene_embedding(scenes), self.colour_embedding(colours)], 1)

    def encode(self, thumbnails: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance (N, embedding_size) of z for `thumbnails` of clips (N, 3 * frames / 2, S/2, S/2)."""
        features = torch.cat([self.encoder(thumbnails), condition], 1)
        mean, log_variance = self.posterior(features).chunk(2, 1)
        return mean, log_variance.clamp(-8, 4)

    def prior_distribution(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance (N, embedding_size) of the prior of z."""
        mean, log_variance = self.prior(condition).chunk(2, 1)
        return mean, log_variance.clamp(-6, 4)


class FrameDecoder(nn.Module):
    """Decoder of the frame at time t of the clip (z, c).

    Scene, colour and z scale and shift hidden units whose input is the time (FiLM: Perez et al., AAAI 2018). So scenes use
    different units and hardly interfere with each other in training.
    """

    waves: Tensor

    def __init__(self, condition_size: int, embedding_size: int, hidden_size: int) -> None:
        super().__init__()
        self.time_in = nn.Linear(embedding_size + 1 + 2 * _TIME_WAVES, hidden_size)
        self.hidden = nn.Linear(hidden_size, hidden_size)
        self.modulation = nn.Linear(condition_size + embedding_size, 4 * hidden_size)
        self.to_map = nn.Linear(hidden_size, _MAP_CHANNELS * _GRID**2)
        self.to_fine = nn.Conv2d(_MAP_CHANNELS, 4 * _FINE_CHANNELS, 3, padding=1)
        self.fine_modulation = nn.Linear(hidden_size, 2 * _FINE_CHANNELS)
        self.to_pixels = nn.Conv2d(_FINE_CHANNELS, 12, 3, padding=1)
        self.register_buffer("waves", torch.arange(1, _TIME_WAVES + 1) * math.pi, persistent=False)

    def forward(self, z: Tensor, condition: Tensor, times: Tensor) -> Tensor:
        """Return frames (N, K, 3, S, S), about 0 to 1, at `times` (N, K) within the clip, 0 to 1."""
        clips, frames = times.shape
        angles = times[..., None] * self.waves
        time_features = torch.cat([times[..., None], angles.sin(), angles.cos()], -1)
        modulation = self.modulation(torch.cat([condition, z], 1))[:, None]
        scale_1, scale_2, shift_1, shift_2 = modulation.chunk(4, -1)
        hidden = self.time_in(torch.cat([z[:, None].expand(-1, frames, -1), time_features], -1))
        hidden = F.silu(hidden * (1 + scale_1) + shift_1)
        hidden = F.silu(self.hidden(hidden) * (1 + scale_2) + shift_2).flatten(0, 1)
        grid = F.silu(self.to_map(hidden)).view(-1, _GRID, _GRID, _MAP_CHANNELS).permute(0, 3, 1, 2)
        fine = F.pixel_shuffle(self.to_fine(grid), 2)
        scale, shift = self.fine_modulation(hidden)[..., None, None].chunk(2, 1)
        pixels = F.pixel_shuffle(self.to_pixels(F.silu(fine * (1 + scale) + shift)), 2)
        return pixels.view(clips, frames, 3, FRAME_SIZE, FRAME_SIZE)


def kl_divergence(mean: Tensor, log_variance: Tensor, prior_mean: Tensor, prior_log_variance: Tensor) -> Tensor:
    """Return KL(q || p) of diagonal Gaussians in nats, summed over the last axis."""
    spread = (log_variance - prior_log_variance).exp()
    shift = (mean - prior_mean).square() * (-prior_log_variance).exp()
    return 0.5 * (spread + shift - 1 + prior_log_variance - log_variance).sum(-1)
