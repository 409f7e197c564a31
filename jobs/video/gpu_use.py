"""What a computation used of the GPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch

_T = TypeVar("_T")


@dataclass(frozen=True)
class GpuUse:
    """Use of one GPU.

    Attributes:
        seconds: time on the GPU, from the first kernel to the last.
        memory_mb: most memory that tensors had at one time, MB; those of the weights count.
        energy_joules: energy of the whole board; None if its driver does not count it.
    """

    seconds: float
    memory_mb: float
    energy_joules: float | None

    def share(self, count: int) -> GpuUse:
        """Return the use of one of `count` clips that were drawn together. They share the memory."""
        energy = None if self.energy_joules is None else self.energy_joules / count
        return GpuUse(self.seconds / count, self.memory_mb, energy)


def gpu_use(compute: Callable[[], _T]) -> tuple[_T, GpuUse | None]:
    """Return the result of a computation and what it used of torch's current GPU; None without a GPU."""
    if not torch.cuda.is_available():
        return compute(), None
    torch.cuda.reset_peak_memory_stats()
    started, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    joules = _joules()
    started.record()
    result = compute()
    ended.record()
    torch.cuda.synchronize()
    energy = None if joules is None or (after := _joules()) is None else after - joules
    return result, GpuUse(started.elapsed_time(ended) / 1e3, torch.cuda.max_memory_allocated() / 1e6, energy)


def _joules() -> float | None:
    """Energy of the GPU since its driver was loaded."""
    import pynvml

    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties().uuid}")
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3
    except pynvml.NVMLError:  # e.g. a part of a GPU (MIG)
        return None
