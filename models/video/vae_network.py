"""Networks of the conditional variational autoencoder of clips: encoder, prior and decoder.

q(z | clip, c) is the encoder, p(z | c) a learned Gaussian prior (Sohn, Lee, Yan, "Learning Structured Output Representation
using Deep Conditional Generative Models", NeurIPS 2015), and the decoder computes single frames from z, c and time. So a
training step can use a few frames of many clips instead of all frames of a few clips.
"""

import torch
from torch import Tensor, nn

from models.video.frames import FRAME_SIZE
from models.video.layers import MAP_SIZE, LayeredFrames

_CONDITION_SIZE = 64
_MAP_CHANNELS = 64


class ConditionalVAE(nn.Module):
    """VAE of square clips, conditioned on an encoded prompt.

    Args:
        text_size: length of the vector of a prompt.
        frames: frames of a clip.
        embedding_size: length of z.
        hidden_size: units of the hidden layers of the decoder.
    """

    def __init__(self, text_size: int, frames: int, embedding_size: int, hidden_size: int) -> None:
        super().__init__()
        self.text_in = nn.Sequential(nn.LayerNorm(text_size), nn.Linear(text_size, _CONDITION_SIZE))
        self.encoder = nn.Sequential(
            nn.Conv2d(3 * ((frames + 1) // 2), 32, 4, 2, 1), nn.SiLU(),
            nn.Conv2d(32, 64, 4, 2, 1), nn.SiLU(),
            nn.Conv2d(64, 64, 4, 2, 1), nn.SiLU(),
            nn.Flatten(),
        )  # fmt: skip
        self.posterior = nn.Sequential(
            nn.Linear(64 * (FRAME_SIZE // 16) ** 2 + _CONDITION_SIZE, 256),
            nn.SiLU(),
            nn.Linear(256, 2 * embedding_size),
        )
        self.prior = nn.Sequential(nn.Linear(_CONDITION_SIZE, 64), nn.SiLU(), nn.Linear(64, 2 * embedding_size))
        self.decoder = ClipDecoder(embedding_size, hidden_size)

    def condition(self, pooled: Tensor) -> Tensor:
        """Return the condition (N, 64) of encoded prompts (N, text_size)."""
        condition: Tensor = self.text_in(pooled)
        return condition

    def encode(self, thumbnails: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance (N, embedding_size) of z for `thumbnails` of clips (N, 3 * frames / 2, S/2, S/2)."""
        features = torch.cat([self.encoder(thumbnails), condition], 1)
        mean, log_variance = self.posterior(features).chunk(2, 1)
        return mean, log_variance.clamp(-8, 4)

    def prior_distribution(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance (N, embedding_size) of the prior of z."""
        mean, log_variance = self.prior(condition).chunk(2, 1)
        return mean, log_variance.clamp(-6, 4)


class ClipDecoder(nn.Module):
    """Decoder of the frame at time t of the clip (z, c)."""

    def __init__(self, embedding_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden = nn.Sequential(
            nn.Linear(_CONDITION_SIZE + embedding_size, hidden_size), nn.SiLU(),
            nn.Linear(hidden_size, hidden_size), nn.SiLU(),
        )  # fmt: skip
        self.to_map = nn.Linear(hidden_size, _MAP_CHANNELS * MAP_SIZE**2)
        self.to_motion = nn.Linear(hidden_size, 2)
        self.layers = LayeredFrames(_MAP_CHANNELS, _CONDITION_SIZE)

    def forward(self, z: Tensor, condition: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        """Return frames (N, K, 3, S, S), about 0 to 1, at `times` (N, K) within the clip, 0 to 1, and the motion (N, 2)."""
        clips, frames = times.shape
        hidden = self.hidden(torch.cat([condition, z], 1))
        maps, motion = self.to_map(hidden).view(-1, _MAP_CHANNELS, MAP_SIZE, MAP_SIZE), self.to_motion(hidden)
        per_frame = (values.repeat_interleave(frames, 0) for values in (maps, motion, condition))
        drawn = self.layers(*per_frame, times.flatten())
        return drawn.view(clips, frames, 3, FRAME_SIZE, FRAME_SIZE), motion


def kl_divergence(mean: Tensor, log_variance: Tensor, prior_mean: Tensor, prior_log_variance: Tensor) -> Tensor:
    """Return KL(q || p) of diagonal Gaussians in nats, summed over the last axis."""
    spread = (log_variance - prior_log_variance).exp()
    shift = (mean - prior_mean).square() * (-prior_log_variance).exp()
    return 0.5 * (spread + shift - 1 + prior_log_variance - log_variance).sum(-1)
