"""Draws clips in batches of one shape, and survives prompts that fail, too large batches and hangs."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import torch

from jobs.video.clip import Clip
from jobs.video.gpu_use import GpuUse, gpu_use
from models.video.generator import Frames, VideoGenerator
from models.video.sound import Sound

_log = logging.getLogger(__name__)


class Hung(Exception):
    """A batch took longer than it may.

    Attributes:
        clips: the batch.
    """

    def __init__(self, clips: Sequence[Clip], seconds: float) -> None:
        super().__init__(f"not drawn after {seconds:.0f} s")
        self.clips = clips


@dataclass(frozen=True)
class Drawn:
    """A clip's frames (T, H, W, 3), with its share of the time and of the GPU that its batch took."""

    clip: Clip
    frames: Frames
    sound: Sound | None
    seconds: float
    gpu: GpuUse | None


@dataclass(frozen=True)
class Failed:
    """A clip whose prompt the generator fails on."""

    clip: Clip
    error: Exception


class Drawing:
    """Draws clips with a generator.

    Args:
        generator: draws the clips.
        limit_s: seconds that a clip may take; a batch may take that for each of its clips.
        most: number of clips to draw together; by default what the generator asks for.
    """

    def __init__(self, generator: VideoGenerator, limit_s: float, most: int | None = None) -> None:
        self._generator, self._limit_s, self._most = generator, limit_s, most or generator.batch_size
        self._current: tuple[Sequence[Clip], float] | None = None

    def batches(self, clips: Iterable[Clip]) -> Iterator[list[Drawn | Failed]]:
        """Draw clips in their order; consecutive ones of the same shape are drawn together.

        Raises:
            MemoryError, torch.OutOfMemoryError: a single clip does not fit into the memory.
        """
        for _, of_one_shape in groupby(clips, lambda clip: clip.spec):
            while batch := list(islice(of_one_shape, self._most)):
                yield self._draw(batch)

    def check(self) -> None:
        """Raise Hung if the current batch has taken longer than it may. Can be called by another thread."""
        current = self._current
        if current and time.monotonic() - current[1] > self._limit_s * len(current[0]):
            raise Hung(current[0], time.monotonic() - current[1])

    def _draw(self, batch: Sequence[Clip]) -> list[Drawn | Failed]:
        """Draw a batch. If that fails, draw its halves, so that only clips fail that also fail alone."""
        try:
            return [*self._draw_together(batch)]
        except Exception as error:
            is_too_large = _out_of_memory(error)
            if len(batch) == 1:
                if is_too_large:
                    raise
                return [Failed(batch[0], error)]
        # Here the error is gone, and with it the tensors of the batch.
        half = len(batch) // 2
        if is_too_large:
            torch.cuda.empty_cache()
            self._most = half
            _log.warning("%d clips do not fit into the memory; drawing at most %d together", len(batch), half)
        return [*self._draw(batch[:half]), *self._draw(batch[half:])]

    def _draw_together(self, batch: Sequence[Clip]) -> list[Drawn]:
        prompts, seeds = [clip.prompt for clip in batch], [clip.seed for clip in batch]
        started = time.monotonic()
        self._current = batch, started
        try:
            (clips, sounds), used = gpu_use(lambda: self._generator.generate_with_sound(prompts, seeds, batch[0].spec))
        finally:
            self._current = None
        seconds = (time.monotonic() - started) / len(batch)
        gpu = used and used.share(len(batch))
        return [
            Drawn(clip, frames, sound, seconds, gpu) for clip, frames, sound in zip(batch, clips, sounds, strict=True)
        ]


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)
