"""Nights with too little data to train a model: how the training records this, and how the night's verdict uses it.

If a night has too little data for a model, its training job succeeds and records the reason in the parameter `not_trained` of its
run. A run's parameters never change: if a rerun of the night has another result, it replaces the run. So the parameters of the
night's runs are always current, whatever versions an earlier run has registered.
"""

import datetime as dt
from collections.abc import Mapping

import mlflow

from jobs.platform.job_context import JobContext
from jobs.platform.settings import Settings
from jobs.platform.tracking._store import client, is_empty
from jobs.platform.tracking.runs import artifact, run
from jobs.platform.tracking.versions import ModelVersion, champion, serving

_REASON = "not_trained"


class CannotTrain(Exception):
    """The night has too little data to train this model. The message completes the text "not trained: …"."""


def record_untrained(context: JobContext, key: str, model: str, reason: str) -> None:
    """Record that the night could not train a model.

    Args:
        context: of the job.
        key: stage and model, as in `run`.
        model: the kind of model, e.g. `als`.
        reason: why it was not trained.
    """
    with run(context, key, {"model": model, _REASON: reason}):
        pass


def untrained(settings: Settings, stage: str, night: dt.date) -> dict[str, str]:
    """Return the kinds of models that the night could not train, with the reasons."""
    experiment = None if is_empty(settings) else client(settings).get_experiment_by_name(stage)
    if experiment is None:
        return {}
    runs = mlflow.search_runs([experiment.experiment_id], f"tags.night = '{night}'", output_format="list")
    reasons = {r.data.params["model"]: r.data.params[_REASON] for r in runs if _REASON in r.data.params}
    return dict(sorted(reasons.items()))


def serving_or_none(settings: Settings, name: str, stage: str, *, night: dt.date) -> ModelVersion | None:
    """Return the version that serves after the night's verdict; None if the verdict is that no version serves yet.

    Raises:
        MissingInput: no version serves, and the night has no verdict.
    """
    version = champion(settings, name, before=night + dt.timedelta(days=1))
    if version is None and artifact(settings, f"{stage}/promote", night, "verdict.json"):
        return None
    return version or serving(settings, name, night=night)


def no_candidate_reason(champion: ModelVersion | None, untrained: Mapping[str, str]) -> str:
    """Return the text of the verdict for a night that could not train any model.

    Args:
        champion: the version that has served so far.
        untrained: the result of `untrained`.
    """
    reasons = set(untrained.values())
    why = reasons.pop() if len(reasons) == 1 else "; ".join(f"{model}: {why}" for model, why in untrained.items())
    who = f"{champion.version} stays" if champion else "no model serves yet"
    return f"{who}: {why}, so no candidate could be trained"
