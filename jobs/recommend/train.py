"""Trains one recommender for a night.

The model is fitted on the days before and evaluated on the night. Then it is fitted again, with the night's data, and registered.
On the first night of a lake without watch history there are no days before: the model is fitted on the night alone, and the run
records that it was not evaluated. If there is no data to fit on, no model is registered, and the run records why.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jobs.platform import tracking
from jobs.platform.errors import BadInput
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.recommend import REGISTERED_MODEL, plots
from jobs.recommend.catalogue import read_catalogue, save_columns
from jobs.recommend.interactions_as_of import TABLE
from jobs.recommend.pyfunc import recommended_videos
from jobs.recommend.training_data import TrainingData, training_data
from models.recommend.recommender import NothingToLearn, Recommender
from models.recommend.registry import RECOMMENDERS

_PYFUNC = Path(__file__).with_name("pyfunc.py")


def train(context: JobContext, name: str) -> str:
    """Fit, evaluate and register one model.

    Returns:
        The name of the registered version.

    Raises:
        MissingInput: a table has no rows for the night.
        CannotTrain: there is no data to fit on.
    """
    videos, kind = read_catalogue(context), RECOMMENDERS[name]
    with training_data(context, videos) as data:
        published = _fit(data, kind)
        params = {"model": name, "signal": kind.signal, **data.params, **asdict(published.config)}
        with tracking.run(context, f"recommend/{name}", params) as run:
            run.log_metrics(data.sizes() | {"videos": len(videos.video_ids)})
            _evaluate(run, data, kind, videos.video_ids)
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


def _evaluate(run: tracking.Run, data: TrainingData, kind: type[Recommender], video_ids: NDArray[np.int64]) -> None:
    """Log the metrics of a model without the night's data, or why there are none."""
    try:
        model = data.fit(kind, before=True)
    except NothingToLearn:
        run.log_text("Not evaluated: there is no data before this night to fit the model on.\n", "not_judged.txt")
        return
    evaluation = data.evaluate(model, video_ids)
    if evaluation is None:
        run.log_text("Not evaluated: no user had a long view of a new video on this night.\n", "not_judged.txt")
        return
    run.log_metrics(evaluation.metrics)
    for k, value in enumerate(evaluation.ndcg_by_cutoff, 1):
        run.log_metrics({"ndcg_by_k": value}, step=k)
    run.log_figure(plots.ndcg_plot({kind.name: evaluation.ndcg_by_cutoff}), "ndcg.png")
    run.log_figure(plots.exposure_plot(evaluation.shown, evaluation.watchers), "concentration.png")


def _fit(data: TrainingData, kind: type[Recommender]) -> Recommender:
    try:
        return data.fit(kind)
    except NothingToLearn as error:
        raise tracking.CannotTrain(str(error)) from error
    except ValueError as error:
        raise BadInput(f"{TABLE}: {error}") from error


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", choices=sorted(RECOMMENDERS), required=True, help="recommender to train")


def main(argv: Sequence[str] | None = None) -> None:
    """Train the model given by `--model` and print the registered version, or why it was not trained."""
    with run_job(argv, __doc__, _arguments, trains=REGISTERED_MODEL) as context:
        name = context.args.model
        try:
            print(train(context, name))
        except tracking.CannotTrain as error:
            tracking.record_untrained(context, f"recommend/{name}", name, str(error))
            print(f"{name} is not trained: {error}")


if __name__ == "__main__":
    main()
