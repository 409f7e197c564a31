"""Nights that were too thin to train a model on: what the training says, and what the night's verdict makes of it.

A training that finds that its night cannot train its model ends well, and says why by the parameter `not_trained` of its run.
The parameters of a run do not change: a night that is run again, and can be trained on then, gets another run in its place, and
one that no longer can does as well. So what the night's runs say holds, whatever versions an earlier run has registered.
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
    """The night's data is too thin to train this model; says what it lacks, as the end of "not trained: …"."""


def record_untrained(context: JobContext, key: str, model: str, reason: str) -> None:
    """Record that the night trained no such model.

    Args:
        context: of the job.
        key: stage and model, as in `run`.
        model: which kind of model it would have been.
        reason: why not.
    """
    with run(context, key, {"model": model, _REASON: reason}):
        pass


def untrained(settings: Settings, stage: str, night: dt.date) -> dict[str, str]:
    """The kinds of models that the night could not train, each with the reason."""
    experiment = None if is_empty(settings) else client(settings).get_experiment_by_name(stage)
    if experiment is None:
        return {}
    runs = mlflow.search_runs([experiment.experiment_id], f"tags.night = '{night}'", output_format="list")
    found = {r.data.params["model"]: r.data.params[_REASON] for r in runs if _REASON in r.data.params}
    return dict(sorted(found.items()))


def serving_if_any(settings: Settings, name: str, stage: str, *, night: dt.date) -> ModelVersion | None:
    """The version that serves once the night's verdict has been given; None where the verdict is that none does yet.

    Raises:
        MissingInput: no version serves, and no verdict has been given.
    """
    found = champion(settings, name, before=night + dt.timedelta(days=1))
    if found is None and artifact(settings, f"{stage}/promote", night, "verdict.json"):
        return None
    return found or serving(settings, name, night=night)


def no_candidate(champion: ModelVersion | None, untrained: Mapping[str, str]) -> str:
    """The verdict in words of a night that could train no model of any kind.

    Args:
        champion: who served until now.
        untrained: see `untrained`.
    """
    reasons = set(untrained.values())
    why = reasons.pop() if len(reasons) == 1 else "; ".join(f"{model}: {why}" for model, why in untrained.items())
    who = f"{champion.version} stays" if champion else "no model serves yet"
    return f"{who}: {why}, so no candidate could be trained"
