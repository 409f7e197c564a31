"""Clips for tests, and a generator that fails."""

import time
from collections.abc import Sequence

from jobs.video import certificate
from jobs.video.clip import Clip
from models.video.generator import Frames, VideoGenerator, VideoSpec
from models.video.vae import VaeGenerator
from tests.models.video.tiny import TINY

SPEC = VideoSpec(64, 64, 16, 8)
FORBIDDEN = "boom"
SIGNER = certificate.derived(bytes(32))


class FailingGenerator(VideoGenerator):
    """Fails on every prompt with a certain word, as a safety filter or a tokenizer might."""

    name = "failing"
    version = "failing-1"
    spec = SPEC

    def __init__(self, error: Exception) -> None:
        self._inner = VaeGenerator(TINY["vae"])
        self._error = error

    def generate(self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec) -> Frames:
        if any(FORBIDDEN in prompt for prompt in prompts):
            raise self._error
        return self._inner.generate(prompts, seeds, spec)


class HangingGenerator(FailingGenerator):
    """Never ends on such a prompt, and draws four clips together."""

    batch_size = 4

    def __init__(self) -> None:
        super().__init__(ValueError())

    def generate(self, prompts: Sequence[str], seeds: Sequence[int], spec: VideoSpec) -> Frames:
        if any(FORBIDDEN in prompt for prompt in prompts):
            time.sleep(600)
        return super().generate(prompts, seeds, spec)


def asked_for(
    text: str | None, *, request: str = "1", user_id: str = "0" * 32, **options: str | None
) -> dict[str, str | None]:
    """Return a row of silver.video_prompts."""
    names = ("language", "seconds", "size", "style", "generator", "seed")
    requested = {f"requested_{name}": options.get(name) for name in names}
    return {"request": request, "user_id": user_id, "text": text, **requested}


def clips_for(generator: VideoGenerator, count: int) -> list[Clip]:
    """Return distinct clips of a generator."""
    return [Clip(f"rain {number}", number, SPEC, generator.name, generator.version) for number in range(count)]
