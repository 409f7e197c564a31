"""Makes the clips of one shard that are not there yet.

A finished clip is two files, the video and its sidecar (JSON), each put in its place whole; a clip whose files are there and
sound is not made again, so a shard that was killed goes on where it was and has lost one clip at most. A prompt that fails is
recorded beside where its video would be, and holds up no other. Running out of memory and failing to write are the machine's
fault, not a prompt's: they end the task, which is then tried again.
"""

import argparse
import hashlib
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from infra import durable
from jobs.platform.errors import BadInput
from jobs.platform.failpoint import failpoint
from jobs.platform.job import run_job
from jobs.video import mp4
from jobs.video.clip import Clip
from jobs.video.generators import generator_for
from jobs.video.plan import folder, read_shard
from models.video.generator import Frames, VideoGenerator

_log = logging.getLogger(__name__)


def generate(videos: Path, clips: Sequence[Clip], generator: VideoGenerator) -> None:
    """Makes those of the clips that are missing or damaged.

    Args:
        videos: the folder of videos.
        clips: what is wanted; twice the same is made once.
        generator: of the version that the clips name.
    """
    wanted = list(dict.fromkeys(clips))
    missing = [clip for clip in wanted if not is_made(clip, videos)]
    _log.info("%d of %d clips are there already", len(wanted) - len(missing), len(wanted))
    with tqdm(total=len(missing), unit="clip", disable=not sys.stderr.isatty()) as bar:
        for clip in missing:
            _make(videos, clip, generator)
            bar.update()


def is_made(clip: Clip, videos: Path) -> bool:
    """Whether the clip's video is there and sound."""
    try:
        clip.facts(videos)
    except FileNotFoundError:
        return False
    except mp4.BrokenVideo as error:
        _log.warning("%s; it is made again", error)
        return False
    return True


def _make(videos: Path, clip: Clip, generator: VideoGenerator) -> None:
    """Draw the clip and put it in its place, or record why it failed."""
    _remove_drafts(videos / clip.path)
    started = time.perf_counter()
    try:
        (frames,) = generator.generate([clip.prompt], [clip.seed], clip.spec)
    except Exception as error:
        if _out_of_memory(error):
            raise
        _log.warning("%r (%s) failed: %r", clip.prompt, clip.name, error)
        durable.write_json(videos / clip.failure, {"prompt": clip.prompt, "error": repr(error)})
        return
    seconds = time.perf_counter() - started
    _keep(videos, clip, frames, seconds)
    _log.info("made %s in %.1f s: %s", clip.path, seconds, clip.prompt)


def _keep(videos: Path, clip: Clip, frames: Frames, seconds: float) -> None:
    mp4.write_mp4(videos / clip.path, frames, clip.spec.fps)
    failpoint("drawn")
    read_back = mp4.read_mp4(videos / clip.path)
    facts = {
        **asdict(clip),
        "sha256": hashlib.sha256((videos / clip.path).read_bytes()).hexdigest(),
        "seconds": round(seconds, 3),
        "checks": checks(clip, read_back),
    }
    durable.write_json(videos / clip.sidecar, facts)
    (videos / clip.failure).unlink(missing_ok=True)


def _remove_drafts(path: Path) -> None:
    """Remove what attempts that were killed have left of this video and its sidecar."""
    for draft in path.parent.glob(f".{path.stem}.*"):
        draft.unlink(missing_ok=True)


def checks(clip: Clip, frames: Frames) -> list[str]:
    """Which of the checks the decoded frames (T, H, W, 3) pass: `decodes`, `as_asked` (size and length), `not_blank`
    (pixels differ), `moves` (frames differ)."""
    spec, values = clip.spec, frames.astype(np.float32)
    passed = {
        "decodes": True,
        "as_asked": frames.shape == (spec.frames, spec.height, spec.width, 3),
        "not_blank": float(values.std()) > 2.0,
        "moves": float(np.abs(np.diff(values, axis=0)).mean()) > 0.2,
    }
    return [name for name, ok in passed.items() if ok]


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shard", type=Path, required=True, help="a file of the night's plan")


def main(argv: Sequence[str] | None = None) -> None:
    """Makes the missing clips of the shard."""
    with run_job(argv, __doc__, _arguments) as context:
        shard = context.args.shard.resolve()
        plans = folder(context.settings.videos, context.date).resolve()
        if shard.parent != plans:
            raise BadInput(f"{context.args.shard} is not a shard of {context.date}: those lie in {plans}")
        clips = [request.clip for request in read_shard(shard)]
        if all(is_made(clip, context.settings.videos) for clip in clips):
            _log.info("all %d clips are there already", len(clips))
            return
        generator = generator_for(context)
        if planned := {clip.generator_version for clip in clips} - {generator.version}:
            raise BadInput(
                f"{shard.name} was planned for {planned.pop()}, the generator is {generator.version}; plan again"
            )
        generate(context.settings.videos, clips, generator)


if __name__ == "__main__":
    main()
