"""Runs, models and champions in MLflow: the only package that knows it, but for `jobs.platform.mlflow_artifacts`.

All models that compete for one place are versions of one registered model ("recommender", "click_model"). A version is
known by a name of our own, made of what it is rather than of when it was registered, so that nights run again, in another
order or side by side give the same names. The `champion` alias is what serves; verdicts look at versions of earlier nights
only, so that a night run again reaches the same verdict.

What people delete, purge or rename in MLflow is passed over, or named in one line that says what to do; the night run again
goes on without it. An experiment that they deleted is restored by the next run that belongs there.
"""

from jobs.platform.tracking.runs import Run, artifact, run
from jobs.platform.tracking.untrained import CannotTrain, no_candidate, record_untrained, serving_if_any, untrained
from jobs.platform.tracking.versions import (
    ModelVersion,
    Training,
    candidates,
    champion,
    download,
    history,
    live_inputs,
    serving,
    set_verdict,
    training,
)
from jobs.platform.tracking.weights import forget, trained_on

__all__ = [
    "CannotTrain",
    "ModelVersion",
    "Run",
    "Training",
    "artifact",
    "candidates",
    "champion",
    "download",
    "forget",
    "history",
    "live_inputs",
    "no_candidate",
    "record_untrained",
    "run",
    "serving",
    "serving_if_any",
    "set_verdict",
    "trained_on",
    "training",
    "untrained",
]
