"""How busy the GPU is while a block of code runs."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import torch

_log = logging.getLogger(__name__)
_EVERY_S = 1.0  # the driver itself averages over up to a second


class GpuBusy:
    """Samples the GPU's utilization in a thread, from the beginning to the end of its block.

    Args:
        utilization: returns the percent of the last second in which the GPU computed; by default that of torch's current GPU.
            None if there is no GPU: then nothing is sampled.
    """

    def __init__(self, utilization: Callable[[], float] | None = None) -> None:
        self._utilization = utilization or (torch.cuda.utilization if torch.cuda.is_available() else None)
        self._percents: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    @property
    def ratio(self) -> float | None:
        """The mean share of the time in which the GPU computed, 0 to 1; None without a sample."""
        return sum(self._percents) / len(self._percents) / 100 if self._percents else None

    def __enter__(self) -> Self:
        if self._utilization:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._utilization:
            self._thread.join()

    def _sample(self) -> None:
        while self._utilization and not self._ended.wait(_EVERY_S):
            try:
                self._percents.append(self._utilization())
            except Exception as error:  # NVML has its own error types; the clips matter more
                _log.warning("the GPU's utilization is unknown: %s", error)
                return
