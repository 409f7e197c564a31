"""Networks of the flow generator: a diffusion transformer that plans a clip, and a decoder that draws it.

The plan of a clip, its latent, is its middle frame in 16 x 16 pixels with the motion of its objects. It is computed and not
learned, so it is small, and easy to predict from the prompt. The decoder computes the frame of any time from plan and prompt,
so a training step can use single frames of many clips, and the frames of a clip agree.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.layers import MAP_SIZE, LayeredFrames
from models.video.text import TextVectors

PLAN_CHANNELS = 14
"""Channels of a plan."""

_MOTION_SCALE = 2.0
_PATCH = 2  # a token of the transformer is a patch of 2 x 2 cells of a plan
_HEAD_SIZE = 32
_FREQUENCIES = 32


def plans(frames: Tensor, motion: Tensor) -> Tensor:
    """Return the plans (N, 14, 8, 8) of clips (N, T, S, S, 3) uint8 with their motion (N, 2); values are about -1 to 1.

    The 12 first channels are the red, green and blue of 2 x 2 pixels of the middle frame in 16 x 16 pixels.
    """
    middle = frames[:, frames.shape[1] // 2].permute(0, 3, 1, 2).float()
    small = F.avg_pool2d(middle, middle.shape[-1] // (2 * MAP_SIZE)) / 127.5 - 1
    planes = _MOTION_SCALE * motion[:, :, None, None].expand(-1, -1, MAP_SIZE, MAP_SIZE)
    return torch.cat([F.pixel_unshuffle(small, 2), planes], 1)


class PlanDecoder(nn.Module):
    """Network: a plan, an encoded prompt and a time -> the frame of that time.

    Args:
        hidden_size: channels of the hidden layers.
        text_size: length of the vector of a prompt.
    """

    def __init__(self, hidden_size: int, text_size: int) -> None:
        super().__init__()
        self.map_in = nn.Conv2d(PLAN_CHANNELS - 2, hidden_size, 3, 1, 1)
        self.layers = LayeredFrames(hidden_size, text_size)

    def forward(self, plan: Tensor, pooled: Tensor, times: Tensor) -> Tensor:
        """Return frames (N, 3, S, S), about 0 to 1.

        Args:
            plan: (N, 14, 8, 8).
            pooled: (N, E) encoded prompts.
            times: (N,) within the clip, 0 to 1.
        """
        motion = plan[:, -2:].mean((2, 3)) / _MOTION_SCALE
        frames: Tensor = self.layers(self.map_in(plan[:, :-2]), motion, pooled, times)
        return frames


class FlowTransformer(nn.Module):
    """Diffusion transformer: noisy plans, times and encoded prompts -> the plans without noise.

    Time and pooled text modulate the layers (adaLN-zero: Peebles and Xie, "Scalable Diffusion Models with Transformers", ICCV
    2023), and each layer attends to the vectors of the words.

    Args:
        text_size: length of the vectors of the text encoder.
        hidden_size: units of the layers, a multiple of 32.
        layers: number of layers.
    """

    frequencies: Tensor

    def __init__(self, text_size: int, hidden_size: int, layers: int) -> None:
        super().__init__()
        side = MAP_SIZE // _PATCH
        self.patch_in = nn.Linear(PLAN_CHANNELS * _PATCH**2, hidden_size)
        self.positions = nn.Parameter(torch.randn(side**2, hidden_size))
        self.time_in = nn.Sequential(
            nn.Linear(2 * _FREQUENCIES, hidden_size), nn.SiLU(), nn.Linear(hidden_size, hidden_size)
        )
        self.text_in = nn.Sequential(
            nn.LayerNorm(text_size),
            nn.Linear(text_size, 2 * hidden_size),
            nn.SiLU(),
            nn.Linear(2 * hidden_size, hidden_size),
        )
        self.no_text = nn.Parameter(torch.zeros(text_size))
        self.layers = nn.ModuleList(_Layer(hidden_size, text_size) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden_size, elementwise_affine=False)
        self.modulation = nn.Linear(hidden_size, 2 * hidden_size)
        self.patch_out = nn.Linear(hidden_size, PLAN_CHANNELS * _PATCH**2)
        self.register_buffer("frequencies", torch.exp(torch.linspace(0, math.log(200), _FREQUENCIES)), persistent=False)

    def forward(self, plan: Tensor, times: Tensor, text: TextVectors, without_text: Tensor) -> Tensor:
        """Return the plans without noise.

        Args:
            plan: (N, 14, 8, 8), noise at time 0, without noise at time 1.
            times: (N,) from 0 to 1.
            text: N encoded prompts.
            without_text: (N,) bool: ignore the prompt.
        """
        pooled = torch.where(without_text[:, None], self.no_text, text.pooled)
        words = torch.where(without_text[:, None, None], self.no_text, text.tokens)
        angles = times[:, None] * self.frequencies
        condition = self.time_in(torch.cat([angles.sin(), angles.cos()], 1)) + self.text_in(pooled)
        condition = F.silu(condition)
        patches = F.pixel_unshuffle(plan, _PATCH).flatten(2).transpose(1, 2)
        hidden = self.patch_in(patches) + self.positions
        mask = ~text.is_padding[:, None, None]
        for layer in self.layers:
            hidden = layer(hidden, condition, words, mask)
        scale, shift = self.modulation(condition)[:, None].chunk(2, -1)
        out = self.patch_out(self.norm(hidden) * (1 + scale) + shift)
        side = MAP_SIZE // _PATCH
        return F.pixel_shuffle(out.transpose(1, 2).unflatten(2, (side, side)), _PATCH)


class _Layer(nn.Module):
    """Attention to the other patches and to the words, then a layer for each patch."""

    def __init__(self, hidden_size: int, text_size: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden_size, elementwise_affine=False)
        self.modulation = nn.Linear(hidden_size, 6 * hidden_size)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        self.patches_in = nn.Linear(hidden_size, 3 * hidden_size)
        self.patches_out = nn.Linear(hidden_size, hidden_size)
        self.query = nn.Linear(hidden_size, hidden_size)
        self.words_in = nn.Linear(text_size, 2 * hidden_size)
        self.words_out = nn.Linear(hidden_size, hidden_size)
        self.each = nn.Sequential(
            nn.Linear(hidden_size, 4 * hidden_size), nn.GELU(), nn.Linear(4 * hidden_size, hidden_size)
        )

    def forward(self, hidden: Tensor, condition: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        scale_1, shift_1, gate_1, scale_2, shift_2, gate_2 = self.modulation(condition)[:, None].chunk(6, -1)
        query, key, value = map(_heads, self.patches_in(self.norm(hidden) * (1 + scale_1) + shift_1).chunk(3, -1))
        hidden = hidden + gate_1 * self.patches_out(_joined(F.scaled_dot_product_attention(query, key, value)))
        key, value = map(_heads, self.words_in(words).chunk(2, -1))
        query = _heads(self.query(self.norm(hidden)))
        hidden = hidden + self.words_out(_joined(F.scaled_dot_product_attention(query, key, value, attn_mask=mask)))
        return hidden + gate_2 * self.each(self.norm(hidden) * (1 + scale_2) + shift_2)


def _heads(vectors: Tensor) -> Tensor:
    return vectors.unflatten(-1, (-1, _HEAD_SIZE)).transpose(1, 2)


def _joined(heads: Tensor) -> Tensor:
    return heads.transpose(1, 2).flatten(2)
