"""How the networks of the generators are trained: Adam with a warm-up and a cosine decay."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_state_dict,
    set_state_dict,
)

_WARM_UP_STEPS = 50
_WHOLE = StateDictOptions(full_state_dict=True)

Groups = Sequence[tuple[list[nn.Parameter], float]]
"""Weights, and the maximum of their learning rate."""


class Optimization:
    """Adam with clipped gradients, whose learning rate warms up and decays along a cosine.

    Args:
        network: trained in place.
        learning_rate: the maximum, of all weights or of groups of them.
        steps: number of training steps.
        betas: of Adam.
    """

    def __init__(
        self,
        network: nn.Module,
        learning_rate: float | Groups,
        steps: int,
        betas: tuple[float, float] = (0.9, 0.99),
    ) -> None:
        self._network = network.train()
        groups = [(list(network.parameters()), learning_rate)] if isinstance(learning_rate, float) else learning_rate
        options: list[dict[str, Any]] = [{"params": weights, "lr": rate} for weights, rate in groups]
        self._optimizer = torch.optim.Adam(options, betas=betas, fused=True)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, lambda step: rate_factor(step, steps))

    def step(self, loss: Tensor) -> None:
        """Change the weights along the gradient of a loss."""
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()

    @property
    def weights(self) -> dict[str, Any]:
        """All weights of the network, also if each process has only its share of them."""
        return get_model_state_dict(self._network, options=_WHOLE)

    def state_dict(self) -> dict[str, Any]:
        """Return weights, moments and the step, the same in all processes."""
        weights, moments = get_state_dict(self._network, self._optimizer, options=_WHOLE)
        return {"weights": weights, "moments": moments, "schedule": self._schedule.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state, also if other processes share out the weights in another way."""
        set_state_dict(
            self._network,
            self._optimizer,
            model_state_dict=state["weights"],
            optim_state_dict=state["moments"],
            options=_WHOLE,
        )
        self._schedule.load_state_dict(state["schedule"])


def rate_factor(step: int, steps: int) -> float:
    """Return the factor of the learning rate: linear warm-up in 50 steps, then cosine decay."""
    return min(1.0, (step + 1) / _WARM_UP_STEPS) * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
