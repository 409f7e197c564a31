"""Trains the video generators that NIGHTREEL_VIDEO_GENERATOR names, once for each config.

The training data is rendered, so it does not depend on the data of a night; the night only names the MLflow run. If
NIGHTREEL_VIDEO_GENERATOR selects a diffusers pipeline, there is nothing to train.

A rerun continues a killed training where it stopped. Started by torchrun, several processes train `flow` together.
"""

import argparse
import datetime as dt
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import torch.distributed as dist
from matplotlib.figure import Figure
from tqdm import tqdm

from jobs.platform import tracking
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.video.checkpoints import GeneratorCheckpoints
from jobs.video.contact_sheet import Strip, write_contact_sheet
from jobs.video.generators import REGISTERED_MODEL, load_trained, named, project_generator, serving
from jobs.video.prompts import PROMPTS
from models.processes import rank
from models.video.cartoons.captions import LANGUAGES
from models.video.evaluation import evaluate, evaluated_descriptions, full_captions
from models.video.frames import FRAME_SIZE
from models.video.generator import TrainedGenerator, VideoSpec
from models.video.judge import Judge
from models.video.training import Training

_LOG_EVERY = 20
_EVALUATION_SEED = 1
_JUDGE_STEPS = 200  # enough to tell whether the generator has learned; tests/benchmarks/video_quality.py uses more
_PYFUNC = Path(__file__).with_name("pyfunc.py")
_LONGEST_WAIT = dt.timedelta(hours=12)
"""For the first of several processes, which trains text encoder and decoder alone."""

_log = logging.getLogger(__name__)


def train(context: JobContext, generator: TrainedGenerator, is_sharded: bool = False) -> TrainedGenerator:
    """Train a generator and register it; see `Training` for `is_sharded`."""
    config, family = generator.config, generator.family
    checkpoints = GeneratorCheckpoints(context.settings, generator)
    with tracking.run(context, f"video/{generator.name}", asdict(config)) as run:
        clips = generator.training_data()
        _log.info("training on %d clips", len(clips.frames))
        with tqdm(total=config.steps, unit="step", disable=not sys.stderr.isatty()) as bar:

            def on_step(step: int, losses: Any) -> None:
                bar.update(step - bar.n)
                if step % _LOG_EVERY == 0 or step == config.steps:
                    run.log_metrics(asdict(losses), step=step)
                if step % (10 * _LOG_EVERY) == 0:
                    _log.info("step %d of %d: %s", step, config.steps, losses)

            generator.fit(clips, Training(on_step, checkpoints, is_sharded))
        run.log_figure(loss_plot(generator), "loss.png")
        with TemporaryDirectory() as folder:
            metrics = _evaluate(generator, sheet := Path(folder, "samples.png"))
            _log.info("%s", metrics)
            run.log_metrics(metrics)
            run.log_file(sheet)
            saved = Path(folder, generator.name)
            saved.mkdir()
            generator.save(saved)
            example = pd.DataFrame({"prompt": ["一个美丽的日出景象"], "seed": [1]})
            prediction = generator.generate(example["prompt"].tolist(), [1], generator.spec)
            run.log_model(
                REGISTERED_MODEL,
                family,
                saved,
                pyfunc=_PYFUNC,
                input_example=example,
                prediction=prediction,
                model=generator.version,
            )
    checkpoints.remove()
    return generator


def _evaluate(generator: TrainedGenerator, sheet: Path) -> dict[str, float]:
    """Return how well clips show seen and held-out descriptions, by a new judge; draw a contact sheet of a night's prompts."""
    small = VideoSpec(FRAME_SIZE, FRAME_SIZE, generator.config.frames, generator.config.fps)
    judge = Judge(small.frames, steps=_JUDGE_STEPS)
    metrics: dict[str, float] = {}
    for name, composed, held_out in (("seen", 20, False), ("held_out", 42, True)):
        descriptions = evaluated_descriptions(composed, held_out=held_out, seed=_EVALUATION_SEED)
        half = len(descriptions) // 2
        prompts = full_captions(descriptions[:half], LANGUAGES[0], _EVALUATION_SEED)
        prompts += full_captions(descriptions[half:], LANGUAGES[1], _EVALUATION_SEED)
        clips = generator.generate(prompts, range(len(prompts)), small)
        metrics |= {f"{key}_{name}": value for key, value in evaluate(judge, clips, descriptions).items()}
    english = [pairs[0][1] for pairs in PROMPTS.values()]
    drawn = generator.generate(english, range(len(english)), small)
    strips = [Strip(clip, text, text) for clip, text in zip(drawn, english, strict=True)]
    write_contact_sheet(sheet, generator.version, strips)
    return metrics


def loss_plot(generator: TrainedGenerator) -> Figure:
    """Plot the losses of the training steps, one panel for each loss."""
    steps = [asdict(losses) for losses in generator.history]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    names = list(dict.fromkeys(name for step in steps for name in step))
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        points = [(number, step[name]) for number, step in enumerate(steps, 1) if name in step]
        axes.plot(*zip(*points, strict=True), linewidth=0.8)
        axes.set(xlabel="training step", title=name)
    return figure


@contextmanager
def _processes_of_torchrun() -> Iterator[None]:
    """Connect the processes that torchrun has started, if it has."""
    if not dist.is_torchelastic_launched():
        yield
        return
    dist.init_process_group("gloo", timeout=_LONGEST_WAIT)
    yield
    dist.destroy_process_group()


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sharded", action="store_true", help="each process of torchrun keeps only its share of the weights (FSDP2)"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Train the generators that are not trained yet. The one that serves is promoted; `jobs.video.promote` judges the others."""
    with run_job(argv, __doc__, _arguments, trains=REGISTERED_MODEL) as context, _processes_of_torchrun():
        for name in named(context.settings):
            untrained = project_generator(context, name)
            if untrained is None:
                _log.info("NIGHTREEL_VIDEO_GENERATOR is %s: nothing to train", name)
            elif (generator := load_trained(context, untrained)) is not None:
                _log.info("%s is already trained", generator.version)
            elif rank() > 0:
                untrained.fit(untrained.training_data(), Training(is_sharded=context.args.sharded))
            else:
                print(train(context, untrained, context.args.sharded).version)
                if name == serving(context):
                    version = tracking.newest(context.settings, REGISTERED_MODEL, untrained.family)
                    tracking.set_verdict(context.settings, REGISTERED_MODEL, night=context.date, promoted=version)


if __name__ == "__main__":
    main()
