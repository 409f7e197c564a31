"""Batches: one shape each, halved when memory ends or a prompt fails, and every clip has exactly one outcome."""

import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jobs.video.clip import Clip
from jobs.video.draw import Drawing, Drawn, Failed, Hung
from jobs.video.gpu_use import GpuUse, gpu_use
from models.video.generator import Frames, VideoGenerator, VideoSpec

_SPECS = (VideoSpec(16, 16, 2, 8), VideoSpec(32, 16, 2, 8))


class Batches(VideoGenerator):
    """Draws clips whose pixels have the value of the seed, and has memory for some of them only.

    Attributes:
        drawn: the seeds of each batch that was drawn.
    """

    name = "batches"
    version = "batches-1"
    spec = _SPECS[0]

    def __init__(self, batch_size: int = 4, fits: int = 4) -> None:
        self.batch_size, self._fits = batch_size, fits
        self.drawn: list[list[int]] = []

    def generate(self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec) -> Frames:
        if len(prompts) > self._fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        if "bad" in prompts:
            raise ValueError("a bad prompt")
        if "slow" in prompts:
            time.sleep(600)
        self.drawn.append(list(seeds))
        values = np.array(seeds, np.uint8)[:, None, None, None, None]
        return np.broadcast_to(values, (len(seeds), spec.frames, spec.height, spec.width, 3))


def clips(generator: VideoGenerator, prompts: Sequence[str], specs: Sequence[VideoSpec] = ()) -> list[Clip]:
    shapes = specs or [generator.spec] * len(prompts)
    return [
        Clip(prompt, seed, spec, generator.name, generator.version)
        for seed, (prompt, spec) in enumerate(zip(prompts, shapes, strict=True))
    ]


@given(
    asked=st.lists(st.tuples(st.sampled_from(["good", "bad"]), st.sampled_from(_SPECS)), max_size=12),
    batch_size=st.integers(1, 5),
    fits=st.integers(1, 5),
)
def test_every_clip_has_its_own_outcome(asked: list[tuple[str, VideoSpec]], batch_size: int, fits: int) -> None:
    generator = Batches(batch_size, fits)
    wanted = clips(generator, [prompt for prompt, _ in asked], [spec for _, spec in asked])
    outcomes = [outcome for batch in Drawing(generator, 60).batches(wanted) for outcome in batch]
    assert [outcome.clip for outcome in outcomes] == wanted
    for outcome in outcomes:
        assert isinstance(outcome, Failed) == (outcome.clip.prompt == "bad")
        if isinstance(outcome, Drawn):
            assert outcome.frames.shape == (2, outcome.clip.spec.height, outcome.clip.spec.width, 3)
            assert (outcome.frames == outcome.clip.seed).all()
    for seeds in generator.drawn:
        assert len(seeds) <= min(batch_size, fits)
        assert len({wanted[seed].spec for seed in seeds}) == 1


def test_a_batch_that_does_not_fit_is_halved_and_later_ones_are_as_small() -> None:
    generator = Batches(batch_size=4, fits=2)
    list(Drawing(generator, 60).batches(clips(generator, ["good"] * 8)))
    assert generator.drawn == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_a_clip_that_does_not_fit_alone_ends_the_shard() -> None:
    generator = Batches(batch_size=2, fits=0)
    with pytest.raises(torch.OutOfMemoryError):
        list(Drawing(generator, 60).batches(clips(generator, ["good"] * 2)))


def test_a_batch_may_take_the_time_of_all_its_clips() -> None:
    generator = Batches(batch_size=2)
    drawing = Drawing(generator, limit_s=0.3)
    hanging = clips(generator, ["good", "slow"])
    threading.Thread(target=lambda: list(drawing.batches(hanging)), daemon=True).start()
    time.sleep(0.4)
    drawing.check()
    time.sleep(0.4)
    with pytest.raises(Hung, match="not drawn after") as hung:
        drawing.check()
    assert hung.value.clips == hanging


def test_the_use_of_a_gpu_is_shared_but_its_memory_is_not() -> None:
    assert GpuUse(4.0, 900.0, 1000.0).share(4) == GpuUse(1.0, 900.0, 250.0)
    assert GpuUse(4.0, 900.0, None).share(2) == GpuUse(2.0, 900.0, None)


def test_without_a_gpu_no_use_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu_use(lambda: 7) == (7, None)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU: torch sees none here")
def test_the_use_of_a_gpu_is_measured() -> None:
    def multiply() -> torch.Tensor:
        matrix = torch.ones(4096, 4096, device="cuda")
        for _ in range(50):
            matrix = matrix @ matrix / 4096
        return matrix

    _, used = gpu_use(multiply)
    assert used is not None
    assert 0 < used.seconds < 60
    assert used.memory_mb > 2 * 4096**2 * 4 / 1e6
    assert used.energy_joules is None or used.energy_joules > 0
