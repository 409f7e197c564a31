"""Quality and time of the project's own video generators, and an audit of the judge that measures it.

    python -m tests.benchmarks.video_quality [--generators vae] [--sheet /tmp/sheet.png]

Trains each generator with its nightly config. The judge is trained on renders of its own. The rows of `renders` are its results
for clips that were drawn by the corpus instead of a generator: what a perfect generator would get. Retrieval is among the clips
of one row: every scene and 78 combinations of objects that training had, or 100 combinations that were held out of it. The
Fréchet distance is to 150 renders of such descriptions.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from jobs.video.contact_sheet import Strip, write_contact_sheet
from models.video.cartoons.captions import LANGUAGES
from models.video.cartoons.corpus import render_clips
from models.video.cartoons.descriptions import Description
from models.video.evaluation import diversity, evaluate, evaluated_descriptions, frechet_distance, full_captions
from models.video.frames import FRAME_SIZE
from models.video.generator import Frames, TrainedGenerator, VideoSpec
from models.video.judge import Judge
from models.video.network_generator import NetworkGenerator
from models.video.registry import GENERATORS
from tests.benchmarks.judge_audit import audit

_FRAMES, _FPS = 16, 8
_SPEC = VideoSpec(FRAME_SIZE, FRAME_SIZE, _FRAMES, _FPS)
_SEEN, _HELD_OUT = (
    evaluated_descriptions(78, held_out=False, seed=7),
    evaluated_descriptions(100, held_out=True, seed=7),
)
_FRECHET_CLIPS = 150
_COLUMNS = ("top_1", "top_5", "accuracy_subject", "accuracy_colour", "accuracy_count", "accuracy_direction",
            "accuracy_speed", "accuracy_backdrop", "frechet", "flicker", "diversity")  # fmt: skip


def rows(judge: Judge, draw: Callable[[list[Description], str, int], Frames]) -> list[tuple[str, dict[str, float]]]:
    """Return the metrics of seen and held-out combinations in both languages.

    Args:
        judge: names what clips show.
        draw: returns a clip of each description, from captions in a language, with a seed.
    """
    metrics = []
    for name, descriptions, held_out in (("seen", _SEEN, False), ("held out", _HELD_OUT, True)):
        many = evaluated_descriptions(_FRECHET_CLIPS, held_out=held_out, seed=8)
        true = judge.features(render_clips(many, _FRAMES, FRAME_SIZE, 99).frames)
        for language in LANGUAGES:
            clips = draw(descriptions, language, 0)
            few = [draw(descriptions[:10], language, seed) for seed in (1, 2, 3)]
            values = evaluate(judge, clips, descriptions) | {"diversity": diversity(np.stack(few, 1))}
            values["frechet"] = frechet_distance(judge.features(draw(many, language, 4)), true)
            metrics.append((f"{name}, {language}", values))
    return metrics


def main(argv: Sequence[str] | None = None) -> None:
    """Print the audit of the judge, then a table for each generator."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generators", nargs="+", choices=GENERATORS, default=list(GENERATORS))
    parser.add_argument("--sheet", type=Path, help="write a contact sheet of held-out combinations for each generator")
    args = parser.parse_args(argv)
    begin = time.perf_counter()
    judge = Judge(_FRAMES)
    print(f"judge: {time.perf_counter() - begin:.0f} s of training")
    for check, accuracy in audit(judge, _FRAMES).items():
        print(f"  {check:50} {accuracy:6.1%}")
    _print("renders", rows(judge, lambda d, language, seed: render_clips(d, _FRAMES, FRAME_SIZE, 100 + seed).frames))
    for name in args.generators:
        generator = GENERATORS[name]()
        begin = time.perf_counter()
        generator.fit(generator.training_data())
        minutes = (time.perf_counter() - begin) / 60
        begin = time.perf_counter()
        generator.generate(["一个美丽的日出景象"] * 5, range(5), generator.spec)
        seconds = (time.perf_counter() - begin) / 5
        assert isinstance(generator, NetworkGenerator)
        parameters = sum(p.numel() for p in generator.networks.parameters()) / 1e6
        _print(f"{name}: {minutes:.1f} minutes, {parameters:.1f} M parameters, {seconds:.2f} s a clip",
               rows(judge, _drawing(generator)))  # fmt: skip
        if args.sheet:
            _write_sheet(args.sheet.with_stem(f"{args.sheet.stem}-{name}"), generator)


def _drawing(generator: TrainedGenerator) -> Callable[[list[Description], str, int], Frames]:
    def draw(descriptions: list[Description], language: str, seed: int) -> Frames:
        prompts = full_captions(descriptions, language, seed)
        return generator.generate(prompts, [1000 * seed + n for n in range(len(prompts))], _SPEC)

    return draw


def _print(title: str, metrics: list[tuple[str, dict[str, float]]]) -> None:
    print(f"\n{title}\n{'':14}", *(f"{name.removeprefix('accuracy_'):>9}" for name in _COLUMNS))
    for name, values in metrics:
        print(f"{name:14}", *(f"{values[column]:9.3f}" for column in _COLUMNS), flush=True)


def _write_sheet(path: Path, generator: TrainedGenerator) -> None:
    prompts = full_captions(_HELD_OUT[:20], "zh", 0) + full_captions(_SEEN[-22:], "en", 0)
    clips = generator.generate(prompts, range(len(prompts)), generator.spec)
    write_contact_sheet(path, generator.version, [Strip(c, p, p) for c, p in zip(clips, prompts, strict=True)])


if __name__ == "__main__":
    main()
