"""Clips to make in tests, and a small generator to make them with: untrained, but otherwise the real one."""

from collections.abc import Sequence

from jobs.video.clip import Clip
from models.video.generator import Frames, VideoGenerator, VideoSpec
from models.video.vae import VaeConfig, VaeGenerator

SMALL = VaeConfig(clips_per_scene=8, captions_per_scene=4, steps=3, text_steps=3, hidden_size=16)
SPEC = VideoSpec(64, 64, 16, 8)
FORBIDDEN = "boom"


class Grumbler(VideoGenerator):
    """Fails on every prompt that has a certain word, as a safety filter or a tokenizer might."""

    name = "grumbler"
    version = "grumbler-1"
    spec = SPEC

    def __init__(self, error: Exception) -> None:
        self._inner = VaeGenerator(SMALL)
        self._error = error

    def generate(self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec) -> Frames:
        if any(FORBIDDEN in prompt for prompt in prompts):
            raise self._error
        return self._inner.generate(prompts, seeds, spec)


def clips_for(generator: VideoGenerator, count: int) -> list[Clip]:
    """Distinct clips of a generator."""
    return [Clip(f"rain {number}", number, SPEC, generator.name, generator.version) for number in range(count)]
