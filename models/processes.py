"""The processes that train one network together, if `torch.distributed` is initialised; otherwise this process alone."""

from typing import TypeVar

import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")


def processes() -> int:
    """Return how many processes train the network."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def rows_of_process() -> slice:
    """Return which rows of a batch are the share of this process."""
    return slice(rank(), None, processes())


def of_all(value: T) -> list[T]:
    """Return the value of each process, in the same order in all of them. Every process has to call this."""
    values: list[T] = [value] * processes()
    if dist.is_initialized():
        dist.all_gather_object(values, value)
    return values


def of_first(value: T) -> T:
    """Return the value of the first process. Every process has to call this."""
    values = [value]
    if dist.is_initialized():
        dist.broadcast_object_list(values, src=0)
    return values[0]


def averaging_gradients(network: nn.Module) -> nn.Module:
    """Return the network such that each step uses the mean of the gradients of all processes."""
    return DistributedDataParallel(network) if dist.is_initialized() else network
