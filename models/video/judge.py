"""Automatic judge of generated clips: says what a clip shows, without knowing its prompt.

A small convolutional network names each attribute of `cartoons.descriptions`. It is trained on renders of its own, with other
random details than the generators see, and never on the output of a generator. It also sees clips without motion, with shuffled
frames and played backwards, blurred and noisy ones, and pure noise, so that it does not name what a clip does not show.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from models.video.cartoons.corpus import Clips, pictures, render_clips
from models.video.cartoons.descriptions import ATTRIBUTES, Description, compositions, labels
from models.video.frames import FRAME_SIZE, thumbnails
from models.video.generator import Frames

_CLIPS_PER_PICTURE, _COMPOSED_CLIPS = 12, 1600
_STEPS, _BATCH_SIZE, _LEARNING_RATE = 450, 48, 2e-3
_SEED = 1_000_003
_STILL, _SHUFFLED, _REVERSED, _NOISE = 0.08, 0.08, 0.2, 0.04
"""Shares of the training clips that are changed."""


class Judge:
    """Classifier of clips.

    Args:
        frames: frames of the clips that it judges.
        steps: training steps.
        clips: clips to train on, at least 64 x 64 pixels; default: rendered, of all scenes and combinations.
    """

    def __init__(self, frames: int, steps: int = _STEPS, clips: Clips | None = None) -> None:
        clips = clips or render_clips(training_descriptions(), frames, FRAME_SIZE, _SEED)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_SEED)
            self._network = _Classifier(frames)
            self._fit(clips, steps)

    @torch.inference_mode()
    def log_probabilities(self, clips: Frames) -> dict[str, NDArray[np.float32]]:
        """Return the logarithms of the probabilities of each attribute's values, (N, values + 1); the last is "none".

        Args:
            clips: (N, T, H, W, 3); height and width are equal multiples of 64.
        """
        scores = self._network(*_inputs(clips))
        return {name: F.log_softmax(values, 1).numpy() for name, values in scores.items()}

    @torch.inference_mode()
    def features(self, clips: Frames) -> NDArray[np.float64]:
        """Return what the classifier sees in clips (N, T, H, W, 3) before it names attributes, (N, 384)."""
        features: NDArray[np.float64] = self._network.features(*_inputs(clips)).double().numpy()
        return features

    def attributes(self, clips: Frames) -> NDArray[np.int64]:
        """Return the index of the most likely value of each attribute, (N, 6); see `cartoons.descriptions.labels`."""
        return np.stack([values.argmax(1) for values in self.log_probabilities(clips).values()], 1)

    def agreement(self, clips: Frames, descriptions: Sequence[Description]) -> NDArray[np.float32]:
        """Return how well each description fits each clip, (descriptions, clips): log-likelihood of what it says, in nats."""
        expected = labels(list(descriptions))
        total = np.zeros((len(descriptions), len(clips)), np.float32)
        for position, (name, values) in enumerate(self.log_probabilities(clips).items()):
            is_said = expected[:, position] < len(ATTRIBUTES[name])
            total += np.where(is_said[:, None], values[:, expected[:, position]].T, 0)
        return total

    def _fit(self, clips: Clips, steps: int) -> None:
        inputs = thumbnails(torch.from_numpy(clips.frames)).unflatten(1, (-1, 3))
        middles = _middle(torch.from_numpy(clips.frames))
        forwards = torch.from_numpy(labels(clips.descriptions))
        backwards = torch.from_numpy(labels([d.reversed() for d in clips.descriptions]))
        is_still = torch.tensor([not d.is_composed for d in clips.descriptions])
        nothing = torch.tensor([len(values) for values in ATTRIBUTES.values()])
        motion = torch.tensor([name in {"direction", "speed"} for name in ATTRIBUTES])
        optimizer = torch.optim.Adam(self._network.parameters(), lr=_LEARNING_RATE, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=steps, pct_start=0.1)
        self._network.train()
        for _ in range(steps):
            batch = torch.randint(len(inputs), (_BATCH_SIZE,))
            shown, target = inputs[batch].float() / 255 - 0.5, forwards[batch].clone()
            fate = torch.rand(len(batch)).masked_fill(is_still[batch], 1.0)
            for n in (fate < _STILL + _SHUFFLED + _REVERSED).nonzero()[:, 0].tolist():
                if fate[n] < _STILL:
                    shown[n] = shown[n, torch.randint(shown.shape[1], (1,))]
                elif fate[n] < _STILL + _SHUFFLED:
                    shown[n] = shown[n, _shuffled(shown.shape[1])]
                else:
                    shown[n], target[n] = shown[n].flip(0), backwards[batch[n]]
            target = torch.where((fate < _STILL + _SHUFFLED)[:, None] & motion, nothing, target)
            is_noise = torch.rand(len(batch)) < _NOISE
            shown[is_noise] = torch.rand(shown[is_noise].shape) - 0.5
            target[is_noise] = nothing
            middle = middles[batch].float() / 255 - 0.5
            middle[is_noise] = torch.rand(middle[is_noise].shape) - 0.5
            scores = self._network(_spoiled(shown.flatten(1, 2)), _spoiled(middle))
            loss = torch.stack([F.cross_entropy(s, target[:, i]) for i, s in enumerate(scores.values())]).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        self._network.eval()


class _Classifier(nn.Module):
    """Sees where things are and how they move in thumbnails of many frames, and what they look like in one frame."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.motion = nn.Sequential(
            _layer(3 * ((frames + 1) // 2), 64, 4, 2), _layer(64, 96, 4, 2), _layer(96, 64, 3, 1), nn.Flatten(),
            nn.Dropout(0.2), nn.Linear(64 * (FRAME_SIZE // 8) ** 2, 192), nn.ReLU(),
        )  # fmt: skip
        self.look = nn.Sequential(_layer(3, 16, 4, 2), _layer(16, 32, 3, 1), _layer(32, 64, 4, 2), _layer(64, 96, 3, 1))
        self.heads = nn.ModuleDict({name: nn.Linear(384, len(values) + 1) for name, values in ATTRIBUTES.items()})

    def features(self, thumbnails: Tensor, middle: Tensor) -> Tensor:
        look = self.look(middle)
        return torch.cat([self.motion(thumbnails), look.amax((2, 3)), look.mean((2, 3))], 1)

    def forward(self, thumbnails: Tensor, middle: Tensor) -> dict[str, Tensor]:
        hidden = self.features(thumbnails, middle)
        return {name: head(hidden) for name, head in self.heads.items()}


def _layer(channels_in: int, channels: int, size: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels_in, channels, size, stride, 1), nn.BatchNorm2d(channels), nn.ReLU())


def _inputs(clips: Frames) -> tuple[Tensor, Tensor]:
    """Return the thumbnails and the middle frames of clips, -0.5 to 0.5."""
    shrink = clips.shape[2] // FRAME_SIZE
    small = np.stack([_shrunk(clip, shrink) for clip in clips]) if shrink > 1 else clips
    frames = torch.from_numpy(np.ascontiguousarray(small))
    return thumbnails(frames).float() / 255 - 0.5, _middle(frames).float() / 255 - 0.5


def _middle(frames: Tensor) -> Tensor:
    """Return the middle frame of clips (N, T, S, S, 3) as (N, 3, S, S)."""
    return frames[:, frames.shape[1] // 2].permute(0, 3, 1, 2)


def flicker(clips: Frames) -> float:
    """Return the mean absolute second difference of a pixel over time, in levels of 0 to 255: high if frames do not agree."""
    return float(np.mean([np.abs(np.diff(clip.astype(np.int16), 2, axis=0)).mean() for clip in clips]))


def motion(clips: Frames) -> float:
    """Return the mean absolute change of a pixel between consecutive frames, in levels of 0 to 255."""
    return float(np.mean([np.abs(np.diff(clip.astype(np.int16), axis=0)).mean() for clip in clips]))


def training_descriptions() -> list[Description]:
    """Return the descriptions of the clips that a judge is trained on by default."""
    rng = np.random.default_rng(_SEED)
    composed = compositions()
    return pictures(_CLIPS_PER_PICTURE) + [composed[n] for n in rng.permutation(len(composed))[:_COMPOSED_CLIPS]]


def _shuffled(frames: int) -> Tensor:
    """Return a random order of frames that is neither the original one nor backwards."""
    ordered = torch.arange(frames)
    while True:
        order = torch.randperm(frames)
        if not (order == ordered).all() and not (order == ordered.flip(0)).all():
            return order


def _spoiled(inputs: Tensor) -> Tensor:
    """Blur some of the inputs (N, C, S, S), and change brightness, contrast and noise of all, as a generator may do."""
    blurred = F.avg_pool2d(inputs, 3, 1, 1, count_include_pad=False)
    share = torch.rand(len(inputs), 1, 1, 1) * (torch.rand(len(inputs), 1, 1, 1) < 0.5)
    inputs = inputs + share * (blurred - inputs)
    contrast, brightness = 1 + 0.1 * torch.randn(len(inputs), 1, 1, 1), 0.03 * torch.randn(len(inputs), 1, 1, 1)
    return inputs * contrast + brightness + 0.04 * torch.rand(len(inputs), 1, 1, 1) * torch.randn(inputs.shape)


def _shrunk(clip: Frames, factor: int) -> Frames:
    frames, height, width, _ = clip.shape
    cells = clip.reshape(frames, height // factor, factor, width // factor, factor, 3)
    return (cells.mean((2, 4), dtype=np.float32) + 0.5).astype(np.uint8)
