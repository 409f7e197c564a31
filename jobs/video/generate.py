"""Generates the missing clips of one shard.

Prompts are judged, clips are drawn, and files are made, each in a thread of its own. On a GPU a batch is drawn while the files of
the one before are made; without one, both would share the cores, so they take turns. A finished clip has two files, the video and
its sidecar (JSON), each written atomically. A clip with valid files is not generated again, so a shard that was killed continues
where it stopped, and loses at most the clips that were not written: one without a GPU, two batches with one.

If a prompt fails, or is refused by the classifier of prompts or because the generator understands nothing of it, this is recorded
next to the path of its video, and the other prompts continue. A clip that hangs is recorded in the same way, and the task fails,
because only a new process can go on: the next try leaves this clip out. Out of memory and failed writes are faults of the
machine, not of a prompt: they end the task, which is then retried.
"""

import argparse
import json
import logging
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass

import numpy as np
from tqdm import tqdm

from infra import durable
from infra.storage import Location, location
from jobs.platform.errors import BadInput, NightreelError
from jobs.platform.failpoint import failpoint
from jobs.platform.job import run_job
from jobs.platform.run import attempt_number, code_version, run_id
from jobs.platform.settings import Settings
from jobs.video import boxes, content, mp4
from jobs.video.ahead import ahead
from jobs.video.certificate import Credentials, credentials
from jobs.video.clip import Clip
from jobs.video.draw import Drawing, Drawn, Failed, Hung
from jobs.video.finish import finished
from jobs.video.generators import generator_for
from jobs.video.gpu_busy import GpuBusy
from jobs.video.plan import plan_folder, read_shard
from jobs.video.prompt_classifier import PromptClassifier
from jobs.video.verdict import Verdict
from models.video.generator import Frames, VideoGenerator

_log = logging.getLogger(__name__)


class ClipHung(NightreelError):
    """A clip is not drawn in the time that it may take (EX_TEMPFAIL): a retry goes on without it."""

    exit_code = 75


@dataclass(frozen=True)
class Reading:
    """What is read in a prompt.

    Attributes:
        verdict: of the classifier and the generator.
        understood: see `VideoGenerator.understood`.
    """

    verdict: Verdict
    understood: list[str] | None


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
    *,
    limit_s: float = math.inf,
    is_retry: bool = False,
) -> None:
    """Generate the clips that are missing or damaged.

    Args:
        videos: the folder of videos.
        clips: the clips; duplicates are generated once.
        generator: a generator of the version that the clips name.
        signer: signs the manifests of the clips.
        classifier: judges the prompts first, if there is one.
        limit_s: seconds that drawing a clip may take.
        is_retry: leave out clips that hung before, and draw the others one by one, so that a clip that hangs is known.

    Raises:
        ClipHung: drawing takes longer than it may. The process should end.
    """
    distinct = list(dict.fromkeys(clips))
    missing = [clip for clip in distinct if not is_made(clip, videos) and not (is_retry and _has_hung(clip, videos))]
    _log.info("%d of %d clips already exist or hung", len(distinct) - len(missing), len(distinct))
    missing.sort(key=lambda clip: (astuple(clip.spec), clip.prompt))  # equal shapes are drawn together
    drawing = Drawing(generator, limit_s, most=1 if is_retry else None)
    with tqdm(total=len(missing), unit="clip", disable=not sys.stderr.isatty()) as bar:
        accepted: dict[Clip, Reading] = {}

        def judged() -> Iterator[Clip]:
            for clip in missing:
                _remove_drafts(videos / clip.path)
                reading = _read(clip.prompt, generator, classifier)
                if reading.verdict.refusal is None:
                    accepted[clip] = reading
                    yield clip
                else:
                    _record(videos, clip, refusal=reading.verdict.refusal)
                    bar.update()

        clips_to_draw = ahead(judged(), 2 * generator.batch_size)
        try:
            for batch in ahead(drawing.batches(clips_to_draw), int(generator.batch_size > 1), drawing.check):
                for drawn in batch:
                    _finish(videos, drawn, accepted.pop(drawn.clip), signer)
                    bar.update()
        except Hung as hung:
            if len(hung.clips) == 1:
                _record(videos, hung.clips[0], error=str(hung), hung=True)
            raise ClipHung(
                f"{hung.clips[0].path} or a clip of its batch: {hung}; the next try goes on without it"
            ) from hung


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


def _read(prompt: str, generator: VideoGenerator, classifier: PromptClassifier | None) -> Reading:
    """Return what generator and classifier read in a prompt."""
    verdict = classifier.judged(prompt) if classifier else Verdict()
    understood = generator.understood(prompt)
    if understood == []:
        verdict = Verdict(f"the generator knows nothing of what the prompt names; it draws {generator.draws}")
    return Reading(verdict, understood)


def _record(videos: Location, clip: Clip, **why: object) -> None:
    """Record why a clip was not made."""
    durable.write_json(videos / clip.failure, {"prompt": clip.prompt, **why})


def _has_hung(clip: Clip, videos: Location) -> bool:
    try:
        return bool(json.loads((videos / clip.failure).read_text(encoding="utf-8")).get("hung"))
    except FileNotFoundError:
        return False


def _finish(videos: Location, drawn: Drawn | Failed, reading: Reading, signer: Credentials) -> None:
    """Write the video and its sidecar, and remove the recorded error of an earlier attempt; or record the error."""
    clip = drawn.clip
    if isinstance(drawn, Failed):
        # A prompt may be a user's own text, which no log may contain.
        reason = repr(drawn.error).replace(clip.prompt, "…")
        _log.warning("%s failed: %s", clip.path, reason)
        _record(videos, clip, error=reason)
        return
    file = finished(drawn.frames, clip, signer, drawn.sound)
    decoded, _ = mp4.decode_mp4(file, clip.path.name)
    durable.write(videos / clip.path, file)
    failpoint("drawn")
    facts = {
        **asdict(clip),
        "sha256": boxes.sha256_of_encoded(file, str(clip.path)),
        "run": run_id(),
        "code": code_version(),
        "seconds": round(drawn.seconds, 3),
        "gpu": drawn.gpu and asdict(drawn.gpu),
        "checks": passed_checks(clip, decoded),
        "shows": content.shown(decoded) if reading.understood is None else {},  # the others draw only what they list
        "understood": reading.understood,
        "doubts": [reading.verdict.doubt] if reading.verdict.doubt else [],
    }
    durable.write_json(videos / clip.sidecar, facts)
    (videos / clip.failure).unlink(missing_ok=True)
    _log.info("generated %s in %.1f s", clip.path, drawn.seconds)


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
            limit_s = context.settings.video_limit_s
            generate(
                context.settings.videos,
                clips,
                generator,
                signer,
                classifier,
                limit_s=limit_s,
                is_retry=attempt_number() > 1,
            )
        context.gpu_busy = gpu.ratio


if __name__ == "__main__":
    main()
