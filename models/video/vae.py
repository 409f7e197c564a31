"""Generator `vae`: reads from the prompt what the clip shows, as attributes.

Pictures are drawn from the VAE's prior of the named scene or backdrop, and objects are placed by a flow. What the prompt does not
say is drawn at random, as often as in the training data.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from models.video.cartoons.corpus import complete, compositions_to_train_on, draw_layouts
from models.video.cartoons.descriptions import ATTRIBUTES, MOST_OBJECTS, Description, labels
from models.video.cartoons.objects import OBJECTS
from models.video.cartoons.scenes import SCENE_NAMES
from models.video.clip_decoder import DecoderConfig
from models.video.latents import Latents
from models.video.layout_flow import LayoutFlow
from models.video.network_generator import NetworkGenerator
from models.video.optimization import Optimization
from models.video.training import Training, random_numbers

_BATCH_SIZE = 256
_CANDIDATES = 16
_ATTRIBUTES = ("count", "direction", "speed")


@dataclass(frozen=True)
class VaeConfig(DecoderConfig):
    """Hyperparameters.

    Attributes:
        layouts, layout_steps: training data and steps of the network that places objects.
    """

    layouts: int = 8000
    layout_steps: int = 4000


@dataclass(frozen=True)
class LayoutStep:
    """Loss of one training step: mean squared error of the flow of layouts."""

    layout_mse: float


class VaeGenerator(NetworkGenerator):
    """Draws the scenes of the corpus, and any number, colour and motion of its objects in front of any backdrop."""

    name = "vae"
    nightly: ClassVar[VaeConfig] = VaeConfig()
    config: VaeConfig

    def _networks(self) -> dict[str, nn.Module]:
        counts, directions, speeds = (len(ATTRIBUTES[name]) for name in _ATTRIBUTES)
        self.layouts = LayoutFlow((len(OBJECTS), counts, directions, speeds))
        return {"layouts": self.layouts}

    def _fit_latents(self, training: Training) -> None:
        config = self.config
        descriptions = compositions_to_train_on(config.layouts, config.seed)
        layouts = torch.from_numpy(draw_layouts(descriptions, config.seed))
        said = _said_of_layouts(descriptions)
        rng = random_numbers("layouts", config.seed)
        optimization = Optimization(self.layouts, config.learning_rate, config.layout_steps)
        for _ in training.steps("layouts", config.layout_steps, LayoutStep, rng, optimization):
            batch = torch.randint(len(layouts), (_BATCH_SIZE,), generator=rng)
            order = torch.rand(len(batch), MOST_OBJECTS, generator=rng).masked_fill(layouts[batch, :, 0].isnan(), 2)
            loss = self.layouts.loss(layouts[batch[:, None], order.argsort(1)], said[batch], rng)
            optimization.step(loss)
            training.record(LayoutStep(loss.item()))

    def _candidates(self, prompt: str, rng: torch.Generator) -> Latents:
        (said,) = self.text.read([prompt])
        described = complete(said, np.random.default_rng(rng.initial_seed()))
        if described.is_composed:
            layouts = self.layouts.draw(_said_of_layouts([described]).expand(_CANDIDATES, -1), rng)
        else:
            layouts = torch.full((1, MOST_OBJECTS, 4), torch.nan)
        return self.decoder.latents([described] * len(layouts), layouts, rng)


def _said_of_layouts(descriptions: list[Description]) -> Tensor:
    """Return what layouts depend on, (N, 4): the indices of object, count, direction and speed."""
    indices = dict(zip(ATTRIBUTES, torch.from_numpy(labels(descriptions)).unbind(1), strict=True))
    return torch.stack([indices["subject"] - len(SCENE_NAMES), *(indices[name] for name in _ATTRIBUTES)], 1)
