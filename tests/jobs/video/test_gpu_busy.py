import time

import pytest
import torch

from jobs.video import gpu_busy
from jobs.video.gpu_busy import GpuBusy


def test_the_share_is_the_mean_of_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_busy, "_EVERY_S", 0.01)
    percents = iter([100, 50, 30])
    with GpuBusy(lambda: next(percents)) as gpu:  # a fourth sample fails, which ends the sampling only
        deadline = time.monotonic() + 60
        while gpu._thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert gpu.ratio == pytest.approx(0.6)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_machine_without_a_gpu_measures_nothing() -> None:
    with GpuBusy() as gpu:
        pass
    assert gpu.ratio is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_computing_gpu_is_busy() -> None:
    with GpuBusy() as gpu:
        matrix = torch.rand(4096, 4096, device="cuda")
        until = time.monotonic() + 5
        while time.monotonic() < until:
            matrix = (matrix @ matrix).clamp(0, 1)
            torch.cuda.synchronize()
    assert gpu.ratio is not None
    assert gpu.ratio > 0.5
