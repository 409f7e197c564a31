"""Trains one click model for a night.

The model is trained on the days before and judged on the night's impressions. Then it is trained again with all parts one day
later, and registered. If the night cannot be trained on, for example because it has no click, no model is registered, and the run
records why.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from jobs.ads import REGISTERED_MODEL, plots
from jobs.ads.examples import FIELDS, ExampleStream
from jobs.ads.judgement import judge
from jobs.ads.time_split import HOLDOUT_SHARE, night_split
from jobs.features.ctr_examples import TABLE
from jobs.platform import tracking
from jobs.platform.errors import BadInput
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from models.ads.baselines import ClickRate
from models.ads.click_model import ClickModel
from models.ads.metrics import COMPARED
from models.ads.registry import CLICK_MODELS

_PYFUNC = Path(__file__).with_name("pyfunc.py")


def train(context: JobContext, name: str) -> str:
    """Train, judge and register one model.

    Returns:
        The name of the registered version.

    Raises:
        MissingInput, CannotTrain: see `night_split`.
    """
    split = night_split(context)
    model = CLICK_MODELS[name](FIELDS)
    params = {
        "model": name,
        "split": split.rule,
        "holdout_share": HOLDOUT_SHARE,
        "processes": context.settings.training_processes,
        **_flat_params(asdict(model.config)),
    }
    with tracking.run(context, f"ads/{name}", params) as run:
        model = _fitted(context, model, split.train, split.holdout)
        for epoch, losses in enumerate(model.history, 1):
            run.log_metrics(asdict(losses), step=epoch)
        run.log_figure(plots.loss_plot(model.history), "loss.png")
        judgements = {
            name: judge(model, split.judged),
            "each video's click rate": judge(
                ClickRate("video_id").fit(chain(split.train, *split.holdout)), split.judged
            ),
            "overall click rate": judge(ClickRate().fit(chain(split.train, *split.holdout)), split.judged),
        }
        metrics = {model_name: judgement.metrics() for model_name, judgement in judgements.items()}
        run.log_metrics(metrics[name])
        labels = judgements[name].labels
        run.log_metrics({"examples_judged": len(labels), "click_rate": float(labels.mean())})
        run.log_figure(plots.calibration_plot(judgements), "calibration.png")
        run.log_figure(plots.comparison_plot(metrics, COMPARED), "comparison.png")
        by_field = judgements[name].calibration_by_field()
        run.log_dict({k: [asdict(v) for v in values] for k, values in by_field.items()}, "calibration_by_field.json")
        published = _fitted(context, CLICK_MODELS[name](FIELDS), split.publish_train, split.publish_holdout)
        with TemporaryDirectory() as folder:
            directory = Path(folder, name)
            directory.mkdir()
            published.save(directory)
            return run.log_model(
                REGISTERED_MODEL,
                name,
                directory,
                pyfunc=_PYFUNC,
                input_example=_input_example(published),
                prediction=published.predict_proba(published.encoder.typical()),
            )


def _fitted(
    context: JobContext, model: ClickModel, train_part: ExampleStream, holdout: Sequence[ExampleStream]
) -> ClickModel:
    """Return the model, fitted in this process or in several on Spark's executors."""
    processes = context.settings.training_processes
    try:
        if processes == 1:
            return model.fit(train_part, holdout)
        from jobs.ads.on_executors import fit_on_executors

        return fit_on_executors(context, model, train_part, holdout, processes)
    except ValueError as error:
        raise BadInput(f"{TABLE}: cannot train {model.name}: {error}") from error


def _input_example(model: ClickModel) -> pd.DataFrame:
    """Return a synthetic impression: a real one would store a user's behaviour with the model."""
    typical = model.encoder.typical()
    lists = {name: [column.values.tolist()] for name, column in typical.multi_hot.items()}
    return pd.DataFrame({**typical.numeric, **typical.categorical, **lists})


def _flat_params(config: dict[str, object], prefix: str = "") -> dict[str, object]:
    """Return nested hyperparameters as MLflow params, with dots in their names and JSON values."""
    params: dict[str, object] = {}
    for key, value in config.items():
        params |= (
            _flat_params(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: json.dumps(value)}
        )
    return params


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", choices=sorted(CLICK_MODELS), required=True, help="click model to train")


def main(argv: Sequence[str] | None = None) -> None:
    """Train the model given by `--model` and print the registered version, or why it was not trained."""
    with run_job(argv, __doc__, _arguments, trains=REGISTERED_MODEL) as context:
        name = context.args.model
        try:
            print(train(context, name))
        except tracking.CannotTrain as error:
            tracking.record_untrained(context, f"ads/{name}", name, str(error))
            print(f"{name} is not trained: {error}")


if __name__ == "__main__":
    main()
