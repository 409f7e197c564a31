"""How the networks of the generators are trained: Adam with a warm-up and a cosine decay."""

import math

import torch
from torch import Tensor, nn

_WARM_UP_STEPS = 50


class Optimization:
    """Adam with clipped gradients, whose learning rate warms up and decays along a cosine.

    Args:
        network: trained in place.
        learning_rate: the maximum.
        steps: number of training steps.
        betas: of Adam.
    """

    def __init__(
        self, network: nn.Module, learning_rate: float, steps: int, betas: tuple[float, float] = (0.9, 0.99)
    ) -> None:
        self._network = network.train()
        self._optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=betas, fused=True)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, lambda step: rate_factor(step, steps))

    def step(self, loss: Tensor) -> None:
        """Change the weights along the gradient of a loss."""
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()


def rate_factor(step: int, steps: int) -> float:
    """Return the factor of the learning rate: linear warm-up in 50 steps, then cosine decay."""
    return min(1.0, (step + 1) / _WARM_UP_STEPS) * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
