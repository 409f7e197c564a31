"""Generates the missing clips of one shard.

A finished clip has two files, the video and its sidecar (JSON), each written atomically. A clip with valid files is not generated
again, so a shard that was killed continues where it stopped and loses at most one clip. If a prompt fails, or is refused by the
classifier of prompts or because the generator understands nothing of it, this is recorded next to the path of its video, and the
other prompts continue. Out of memory and failed writes are faults of the machine, not of a
prompt: they end the task, which is then retried.
"""

import argparse
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import torch
from tqdm import tqdm

from infra import durable
from infra.storage import Location, location
from jobs.platform.errors import BadInput
from jobs.platform.failpoint import failpoint
from jobs.platform.job import run_job
from jobs.platform.run import code_version, run_id
from jobs.platform.settings import Settings
from jobs.video import boxes, content, mp4
from jobs.video.certificate import Credentials, credentials
from jobs.video.clip import Clip
from jobs.video.finish import finished
from jobs.video.generators import generator_for
from jobs.video.gpu_busy import GpuBusy
from jobs.video.plan import plan_folder, read_shard
from jobs.video.prompt_classifier import PromptClassifier
from jobs.video.verdict import Verdict
from models.video.generator import Frames, VideoGenerator

_log = logging.getLogger(__name__)


def classifier_of(settings: Settings) -> PromptClassifier | None:
    """Return the classifier of prompts that NIGHTREEL_PROMPT_CLASSIFIER names; None if it names none.

    Raises:
        BadInput: the folder has no classifier.
    """
    try:
        return PromptClassifier(settings.prompt_classifier) if settings.prompt_classifier else None
    except ValueError as error:
        raise BadInput(f"NIGHTREEL_PROMPT_CLASSIFIER: {error}") from error


def generate(
    videos: Location,
    clips: Sequence[Clip],
    generator: VideoGenerator,
    signer: Credentials,
    classifier: PromptClassifier | None = None,
) -> None:
    """Generate the clips that are missing or damaged.

    Args:
        videos: the folder of videos.
        clips: the clips; duplicates are generated once.
        generator: a generator of the version that the clips name.
        signer: signs the manifests of the clips.
        classifier: judges the prompts first, if there is one.
    """
    distinct = list(dict.fromkeys(clips))
    missing = [clip for clip in distinct if not is_made(clip, videos)]
    _log.info("%d of %d clips already exist", len(distinct) - len(missing), len(distinct))
    with tqdm(total=len(missing), unit="clip", disable=not sys.stderr.isatty()) as bar:
        for clip in missing:
            _generate_clip(videos, clip, generator, signer, classifier)
            bar.update()


def is_made(clip: Clip, videos: Location) -> bool:
    """True if the clip's video exists and is valid."""
    try:
        clip.facts(videos)
    except FileNotFoundError:
        return False
    except mp4.BrokenVideo as error:
        _log.warning("%s; generating it again", error)
        return False
    return True


def _generate_clip(
    videos: Location, clip: Clip, generator: VideoGenerator, signer: Credentials, classifier: PromptClassifier | None
) -> None:
    """Generate and write the clip, or record why it is refused, or its error."""
    _remove_drafts(videos / clip.path)
    verdict = classifier.judged(clip.prompt) if classifier else Verdict()
    understood = generator.understood(clip.prompt)
    if understood == []:
        verdict = Verdict(f"the generator knows nothing of what the prompt names; it draws {generator.draws}")
    if verdict.refusal is not None:
        durable.write_json(videos / clip.failure, {"prompt": clip.prompt, "refusal": verdict.refusal})
        return
    started = time.perf_counter()
    try:
        (frames,), (sound,) = generator.generate_with_sound([clip.prompt], [clip.seed], clip.spec)
    except Exception as error:
        if _out_of_memory(error):
            raise
        reason = repr(error).replace(clip.prompt, "…")  # a prompt may be a user's own text, which no log may contain
        _log.warning("%s failed: %s", clip.path, reason)
        durable.write_json(videos / clip.failure, {"prompt": clip.prompt, "error": reason})
        return
    seconds = time.perf_counter() - started
    read = {"understood": understood, "doubts": [verdict.doubt] if verdict.doubt else []}
    _write_clip(videos, clip, finished(frames, clip, signer, sound), seconds, read)
    _log.info("generated %s in %.1f s", clip.path, seconds)


def _write_clip(videos: Location, clip: Clip, file: bytes, seconds: float, read: Mapping[str, object]) -> None:
    """Write video and sidecar, with what was `read` in the prompt, and remove the recorded error of an earlier attempt."""
    durable.write(videos / clip.path, file)
    failpoint("drawn")
    decoded = mp4.read_mp4(videos / clip.path)
    facts = {
        **asdict(clip),
        "sha256": boxes.sha256_of_encoded((videos / clip.path).read_bytes(), str(clip.path)),
        "run": run_id(),
        "code": code_version(),
        "seconds": round(seconds, 3),
        "checks": passed_checks(clip, decoded),
        "shows": content.shown(decoded) if read["understood"] is None else {},  # the others draw only what they list
        **read,
    }
    durable.write_json(videos / clip.sidecar, facts)
    (videos / clip.failure).unlink(missing_ok=True)


def _remove_drafts(path: Location) -> None:
    """Remove temporary files of this video and its sidecar that killed attempts left behind."""
    for draft in path.parent.glob(f".{path.stem}.*"):
        draft.unlink(missing_ok=True)


def passed_checks(clip: Clip, frames: Frames) -> list[str]:
    """Return the checks that the decoded frames (T, H, W, 3) pass.

    They are `decodes`, `as_asked` (size and length match the spec), `not_blank` (pixels differ) and `moves` (frames differ).
    """
    spec, values = clip.spec, frames.astype(np.float32)
    results = {
        "decodes": True,
        "as_asked": frames.shape == (spec.frames, spec.height, spec.width, 3),
        "not_blank": float(values.std()) > 2.0,
        "moves": float(np.abs(np.diff(values, axis=0)).mean()) > 0.2,
    }
    return [name for name, passed in results.items() if passed]


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shard", type=location, required=True, help="shard file of the night's plan")


def main(argv: Sequence[str] | None = None) -> None:
    """Generate the missing clips of the shard."""
    with run_job(argv, __doc__, _arguments) as context:
        shard = context.args.shard.resolve()
        expected_folder = plan_folder(context.settings.videos, context.date).resolve()
        if shard.parent != expected_folder:
            raise BadInput(
                f"{context.args.shard} is not a shard of {context.date}; its shards are in {expected_folder}"
            )
        clips = [request.clip for request in read_shard(shard)]
        if all(is_made(clip, context.settings.videos) for clip in clips):
            _log.info("all %d clips already exist", len(clips))
            return
        generator = generator_for(context, clips[0].generator)
        if other_versions := {clip.generator_version for clip in clips} - {generator.version}:
            raise BadInput(
                f"{shard.name} was planned for {other_versions.pop()}, the generator is {generator.version}; run the plan again"
            )
        with GpuBusy() as gpu:
            signer, classifier = credentials(context.settings), classifier_of(context.settings)
            generate(context.settings.videos, clips, generator, signer, classifier)
        context.gpu_busy = gpu.ratio


if __name__ == "__main__":
    main()
