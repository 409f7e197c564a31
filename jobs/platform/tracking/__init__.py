"""Runs, models and champions in MLflow. Only this package and `jobs.platform.mlflow_artifacts` use MLflow.

All models that compete for one role are versions of one registered model ("recommender", "click_model"). We give each version our
own name, which depends on its content and not on the time of registration: nights that are rerun, run in another order or in
parallel get the same names. The version with the alias `champion` serves. Verdicts consider only versions of earlier nights, so a
rerun of a night reaches the same verdict.

If users delete, purge or rename something in MLflow, it is skipped, or an error of one line says what to do; a rerun of the night
works without it. A deleted experiment is restored by the next run that belongs to it.
"""

from jobs.platform.tracking.runs import Run, artifact, run
from jobs.platform.tracking.untrained import (
    CannotTrain,
    no_candidate_reason,
    record_untrained,
    serving_or_none,
    untrained,
)
from jobs.platform.tracking.versions import (
    ModelVersion,
    Training,
    candidates,
    champion,
    download,
    history,
    live_inputs,
    newest,
    serving,
    set_verdict,
    training,
)
from jobs.platform.tracking.weights import delete_weights, trained_on_erased

__all__ = [
    "CannotTrain",
    "ModelVersion",
    "Run",
    "Training",
    "artifact",
    "candidates",
    "champion",
    "delete_weights",
    "download",
    "history",
    "live_inputs",
    "newest",
    "no_candidate_reason",
    "record_untrained",
    "run",
    "serving",
    "serving_or_none",
    "set_verdict",
    "trained_on_erased",
    "training",
    "untrained",
]
