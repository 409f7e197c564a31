"""Trains the video generator of the project that NIGHTREEL_VIDEO_GENERATOR names, once for each config of it.

It learns from clips that it renders itself, so it depends on no night's data; the night is only where its run is filed.
Where NIGHTREEL_VIDEO_GENERATOR names a pipeline of diffusers there is nothing to train.
"""

import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from tqdm import tqdm

from jobs.platform import tracking
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.video.contact_sheet import Strip, write_contact_sheet
from jobs.video.generators import REGISTERED_MODEL, own, trained
from jobs.video.prompts import SCENE_PROMPTS
from models.video.cartoons.scenes import SCENE_NAMES, Clips
from models.video.generator import TrainedGenerator, VideoSpec
from models.video.scene_judge import SceneJudge
from models.video.vae_network import FRAME_SIZE

_LOG_EVERY = 20
_PYFUNC = Path(__file__).with_name("pyfunc.py")

_log = logging.getLogger(__name__)


def train(context: JobContext, model: type[TrainedGenerator]) -> TrainedGenerator:
    """Trains a generator and makes it the one that nights use."""
    generator, config = model(), model.nightly
    with tracking.run(context, f"video/{model.name}", asdict(config)) as run:
        clips, captions = generator.training_data()
        _log.info("%d clips and %d captions to learn from", len(clips.frames), len(captions.texts))
        with tqdm(total=config.steps, unit="step", disable=not sys.stderr.isatty()) as bar:

            def on_step(step: int, figures: Any) -> None:
                bar.update()
                if step % _LOG_EVERY == 0 or step == config.steps:
                    run.log_metrics(asdict(figures), step=step)
                if step % (10 * _LOG_EVERY) == 0:
                    _log.info("step %d of %d: %s", step, config.steps, figures)

            generator.fit(clips, captions, on_step)
        run.log_figure(loss_plot(generator), "loss.png")
        with TemporaryDirectory() as folder:
            metrics = _judge(generator, clips, sheet := Path(folder, "samples.png"))
            _log.info("%s", metrics)
            run.log_metrics(metrics)
            run.log_file(sheet)
            saved = Path(folder, model.name)
            saved.mkdir()
            generator.save(saved)
            example = pd.DataFrame({"prompt": ["一个美丽的日出景象"], "seed": [1]})
            prediction = generator.generate(example["prompt"].tolist(), [1], generator.spec)
            family = model.family()
            run.log_model(REGISTERED_MODEL, family, saved, pyfunc=_PYFUNC, input_example=example, prediction=prediction)
    (version,) = tracking.candidates(context.settings, REGISTERED_MODEL, night=context.date, families=[family])
    tracking.set_verdict(context.settings, REGISTERED_MODEL, night=context.date, promoted=version)
    return generator


def _judge(generator: TrainedGenerator, clips: Clips, sheet: Path) -> dict[str, float]:
    """How many of the nights' prompts give the scene that they are about, and how much the clips move; draws them too."""
    asked = [(scene, text) for scene, pairs in SCENE_PROMPTS.items() for pair in pairs for text in pair]
    small = VideoSpec(FRAME_SIZE, FRAME_SIZE, generator.config.frames, generator.config.fps)
    drawn = generator.generate([text for _, text in asked], list(range(len(asked))), small)
    judge = SceneJudge(clips)
    found = judge.scenes(drawn)
    right = [SCENE_NAMES[index] == scene for index, (scene, _) in zip(found, asked, strict=True)]
    english = [(n, scene, text) for n, (scene, text) in enumerate(asked) if text.isascii()]
    write_contact_sheet(sheet, generator.version, [Strip(drawn[n], text, text) for n, _, text in english])
    return {"scene_accuracy": sum(right) / len(right), "motion": judge.motion(drawn)}


def loss_plot(generator: TrainedGenerator) -> Figure:
    """The figures of each training step, a plot each."""
    steps = [asdict(each) for each in generator.history]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    names = list(steps[0])
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        axes.plot(range(1, len(steps) + 1), [step[name] for step in steps], linewidth=0.8)
        axes.set(xlabel="training step", title=name)
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    """Trains the generator where that is still to be done."""
    with run_job(argv, __doc__, trains=REGISTERED_MODEL) as context:
        model = own(context)
        if model is None:
            _log.info("NIGHTREEL_VIDEO_GENERATOR is %s: nothing to train", context.settings.video_generator)
        elif (found := trained(context, model)) is not None:
            _log.info("%s is trained already", found.version)
        else:
            print(train(context, model).version)


if __name__ == "__main__":
    main()
