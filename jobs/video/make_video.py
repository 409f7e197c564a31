"""Makes one video now, as a night does: `make video PROMPT="…"`. Trains the generator if there is no trained one yet."""

import argparse
import dataclasses
import json
from collections.abc import Sequence

from jobs.platform.errors import BadInput, UsageError
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.video.certificate import credentials
from jobs.video.clip import Clip
from jobs.video.generate import classifier_of, generate
from jobs.video.generators import REGISTERED_MODEL, generator_for, load_trained, project_generator, serving
from jobs.video.options import read_seed
from jobs.video.prompt_check import check, normalized
from jobs.video.review_queue import doubts_about
from models.video.generator import VideoGenerator


def make_video(context: JobContext, prompt: str, seed: int) -> dict[str, object]:
    """Make a video, unless it exists, and return its path, the content of its sidecar, and why it would wait in a night.

    The prompt is normalized.

    Raises:
        UsageError: the text is no prompt, or it is refused.
        BadInput: the generator failed.
    """
    prompt = normalized(prompt)
    verdict = check(prompt)
    if verdict.refusal is not None:
        raise UsageError(verdict.refusal)
    generator = _generator(context)
    clip = Clip(prompt, seed, generator.spec, generator.name, generator.version, context.settings.video_label)
    videos = context.settings.videos
    generate(videos, [clip], generator, credentials(context.settings), classifier_of(context.settings))
    if (videos / clip.failure).is_file():
        recorded = json.loads((videos / clip.failure).read_text(encoding="utf-8"))
        if "refusal" in recorded:
            raise UsageError(recorded["refusal"])
        raise BadInput(f"{generator.version} failed: {recorded['error']}")
    facts = clip.facts(videos)
    doubts = doubts_about(verdict.doubt, facts, faces=context.settings.review_faces)
    return {"path": str(videos / clip.path), **facts, "doubts": doubts}


def _generator(context: JobContext) -> VideoGenerator:
    untrained = project_generator(context, serving(context))
    if untrained is not None and load_trained(context, untrained) is None:
        from jobs.video.train_generator import train  # MLflow and matplotlib take seconds to import

        return train(context, untrained)
    return generator_for(context)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--prompt", required=True, help="what the video should show, in Chinese or English")
    parser.add_argument("--generator", default="", help="as NIGHTREEL_VIDEO_GENERATOR, which is the default")
    parser.add_argument("--seed", default="", help="another seed gives another video (default: 0)")


def main(argv: Sequence[str] | None = None) -> None:
    """Make the video and print its path, seconds, checks, doubts and provenance."""
    with run_job(argv, __doc__, _arguments, trains=REGISTERED_MODEL) as context:
        args = context.args
        try:
            seed = read_seed(args.seed or "0")
        except ValueError as error:
            raise UsageError(str(error)) from error
        if args.generator:
            context.settings = dataclasses.replace(context.settings, video_generator=args.generator)
        for name, value in make_video(context, args.prompt, seed).items():
            if value not in (None, [], {}):
                print(f"{name:18} {_text(value)}")


def _text(value: object) -> str:
    match value:
        case dict():
            return ", ".join(f"{name} {number}" for name, number in value.items())
        case list():
            return ", ".join(map(str, value))
    return str(value)


if __name__ == "__main__":
    main()
