"""Trains one recommender for a night: fitted on what came before and judged on the night, then fitted up to it and registered.

What is published is the recipe that was judged, with one more day to learn from. On a lake's first night without a watch
history nothing came before: the model is fitted on the night alone, and the run says that it was not judged. Where there is
nothing to learn from at all, nothing is trained, and the run says why.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from jobs.platform import tracking
from jobs.platform.errors import BadInput
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.recommend import REGISTERED_MODEL, plots
from jobs.recommend.catalogue import catalogue, save_columns
from jobs.recommend.interactions import TABLE, Interactions, Known, interactions
from jobs.recommend.pyfunc import recommended_videos
from models.recommend.evaluation import evaluate
from models.recommend.recommender import NothingToLearn, Recommender
from models.recommend.registry import RECOMMENDERS

_PYFUNC = Path(__file__).with_name("pyfunc.py")


def train(context: JobContext, name: str) -> str:
    """Judge, publish and register one model.

    Returns:
        The name of the registered version.

    Raises:
        MissingInput: a table does not have the night.
        CannotTrain: there is nothing to learn from.
    """
    videos = catalogue(context)
    known = interactions(context, videos.video_ids)
    published = _fitted(name, known.until, videos.text)
    params = {"model": name, "signal": RECOMMENDERS[name].signal, **asdict(RECOMMENDERS[name]().config)}
    with tracking.run(context, f"recommend/{name}", params) as run:
        run.log_metrics(
            {"users": len(known.user_ids), "videos": len(videos.video_ids), "pairs": known.until.watched.nnz}
        )
        if reason := not_judged_because(known, RECOMMENDERS[name]):
            run.log_text(reason + "\n", "not_judged.txt")
        else:
            _judge(run, name, known, videos.text)
        example = pd.DataFrame({"video_ids": [videos.video_ids[np.argsort(-published.trend)[:3]].tolist()]})
        with TemporaryDirectory() as folder:
            directory = Path(folder, name)
            directory.mkdir()
            published.save(directory)
            save_columns(directory, videos.video_ids)
            return run.log_model(
                REGISTERED_MODEL,
                name,
                directory,
                pyfunc=_PYFUNC,
                input_example=example,
                prediction=recommended_videos(published, videos.video_ids, example),
            )


def not_judged_because(known: Interactions, model: type[Recommender]) -> str | None:
    """Why a model cannot be judged on a night, None where it can."""
    if not (known.before.signal(model).data > 0).any():
        return "Not judged: nothing came before this night that it could have been fitted on."
    if known.targets.nnz == 0:
        return "Not judged: nobody long viewed a video on this night that was new to them."
    return None


def _judge(run: tracking.Run, name: str, known: Interactions, text: list[str]) -> None:
    model = _fitted(name, known.before, text)
    judged = evaluate(model, known.before.strength, known.before.watched, known.targets)
    run.log_metrics(judged.metrics)
    for k, value in enumerate(judged.ndcg_by_cutoff, 1):
        run.log_metrics({"ndcg_by_k": value}, step=k)
    run.log_figure(plots.ndcg_plot({name: judged.ndcg_by_cutoff}), "ndcg.png")
    watchers = np.bincount(known.before.watched.indices, minlength=known.before.watched.shape[1])
    run.log_figure(plots.exposure_plot(judged.ids, watchers), "concentration.png")


def _fitted(name: str, known: Known, text: list[str]) -> Recommender:
    model = RECOMMENDERS[name]()
    try:
        return model.fit(known.signal(type(model)), text)
    except NothingToLearn as error:
        raise tracking.CannotTrain(str(error)) from error
    except ValueError as error:
        raise BadInput(f"{TABLE}: {error}") from error


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", choices=sorted(RECOMMENDERS), required=True, help="which recommender to train")


def main(argv: Sequence[str] | None = None) -> None:
    """Train the model that `--model` names and print the registered version, or why there is none."""
    with run_job(argv, __doc__, _arguments, trains=REGISTERED_MODEL) as context:
        name = context.args.model
        try:
            print(train(context, name))
        except tracking.CannotTrain as why:
            tracking.record_untrained(context, f"recommend/{name}", name, str(why))
            print(f"{name} is not trained: {why}")


if __name__ == "__main__":
    main()
