"""The processes that train one click model together, if `torch.distributed` is initialised; otherwise this process alone.

Each process has its own share of the examples. All of them end with the same encoder, weights and calibration.
"""

from typing import TypeVar

import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")


def processes() -> int:
    """Return how many processes train the model."""
    return dist.get_world_size() if dist.is_initialized() else 1


def of_all(value: T) -> list[T]:
    """Return the value of each process, in the same order in all of them. Every process has to call this."""
    values: list[T] = [value] * processes()
    if dist.is_initialized():
        dist.all_gather_object(values, value)
    return values


def averaging_gradients(network: nn.Module) -> nn.Module:
    """Return the network such that each step uses the mean of the gradients of all processes."""
    return DistributedDataParallel(network) if dist.is_initialized() else network
