"""MLflow runs of trainings: their parameters, metrics, artifacts and models."""

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import LifecycleStage
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature

from jobs.platform.failpoint import failpoint
from jobs.platform.job_context import JobContext
from jobs.platform.mlflow_artifacts import ROOT, database
from jobs.platform.run import code_version, run_id
from jobs.platform.settings import Settings
from jobs.platform.tracking._registry import find, input_tags, training_tags
from jobs.platform.tracking._saved import digest, saved_directory
from jobs.platform.tracking._store import client, is_empty
from jobs.platform.tracking.versions import to_model_version
from jobs.platform.tracking.weights import delete_weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_log = logging.getLogger(__name__)
_REPOSITORY = Path(__file__).parents[3]


class Run:
    """The MLflow run of one training."""

    def __init__(self, context: JobContext, run: MlflowRun) -> None:
        self._context = context
        self._run_id: str = run.info.run_id

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics of one step, or of the whole training if `step` is None."""
        mlflow.log_metrics(dict(metrics), step=step)

    def log_figure(self, figure: "Figure", file: str) -> None:
        """Log a plot as an artifact."""
        mlflow.log_figure(figure, file)

    def log_dict(self, content: Mapping[str, Any], file: str) -> None:
        """Log a JSON or YAML document as an artifact; the file's extension selects the format."""
        mlflow.log_dict(dict(content), file)

    def log_text(self, text: str, file: str) -> None:
        """Log a text as an artifact."""
        mlflow.log_text(text, file)

    def log_file(self, path: Path) -> None:
        """Log a file as an artifact."""
        mlflow.log_artifact(str(path))

    def log_model(
        self,
        name: str,
        family: str,
        directory: Path,
        *,
        pyfunc: Path,
        input_example: Any,
        prediction: Any,
        model: str = "",
    ) -> str:
        """Log and register the model saved in a directory. A model with the same bytes and night is registered only once.

        Args:
            name: the registered model, e.g. `recommender`.
            family: the kind of model, e.g. `als`.
            directory: the saved model; the version's name depends on its files.
            pyfunc: Python file that defines MLflow's `PythonModel` for `directory`, which it gets as the artifact `model`.
            input_example: an input of `predict`; the signature is inferred from it and `prediction`.
            prediction: the output of `predict` for `input_example`.
            model: the model's own name of itself, by which `training` finds it too.

        Returns:
            Our own name of the version.
        """
        night, settings = self._context.date, self._context.settings
        version = f"{family}-{night}-{digest(directory)}"
        tags_of_training = training_tags(settings, self._run_id, self._context.lake.inputs)
        if model:
            tags_of_training["model"] = model
        promoted = "false"
        if (registered := find(settings, name, version)) is not None:
            if saved_directory(settings, registered) is not None:
                _log.info("%s is already registered", version)
                for tag, value in tags_of_training.items():
                    client(settings).set_model_version_tag(name, registered.version, tag, value)
                return version
            _log.warning("%s: its files in MLflow differ from what was saved; registering it again", version)
            promoted = registered.tags["promoted"]
        failpoint("trained")
        logged = mlflow.pyfunc.log_model(
            name=family.replace(".", "_"),
            python_model=str(pyfunc),
            artifacts={"model": str(directory)},
            signature=infer_signature(input_example, prediction),
            input_example=input_example,
            code_paths=[str(_REPOSITORY / "models")],
            pip_requirements=[],  # the repository's lock file has the requirements
        )
        tags = {"version": version, "family": family, "night": str(night), "promoted": promoted, **tags_of_training}
        failpoint("logged")
        mlflow.register_model(logged.model_uri, name, tags=tags)
        if registered is not None:
            delete_weights(settings, to_model_version(registered))  # the damaged files
        return version


@contextmanager
def run(context: JobContext, key: str, params: Mapping[str, object]) -> Iterator[Run]:
    """Track one training. A rerun of the same night continues the existing run.

    The versions of all tables that the job reads, and the version of the code, become tags of the run.

    Args:
        context: of the training job.
        key: stage and model, e.g. `recommend/als`; the stage is the experiment.
        params: hyperparameters.
    """
    experiment = _experiment(context.settings, key.split("/")[0])
    name = f"{key.split('/', 1)[1]} {context.date}"
    previous = _previous_run(experiment, name, params)
    with mlflow.start_run(run_id=previous, experiment_id=experiment, run_name=None if previous else name) as active:
        mlflow.log_params({k: str(v) for k, v in params.items()})
        mlflow.set_tags({"night": str(context.date), "scheduler_run": run_id(), "code_version": code_version()})
        yield Run(context, active)
        mlflow.set_tags(input_tags(context.lake.inputs))


def artifact(settings: Settings, key: str, night: dt.date, file: str) -> Path | None:
    """Return an artifact of the run of this key and night, e.g. `verdict.json` of `ads/promote`; None if it does not exist."""
    stage, name = key.split("/", 1)
    experiment = None if is_empty(settings) else client(settings).get_experiment_by_name(stage)
    if experiment is None:
        return None
    runs = mlflow.search_runs(
        [experiment.experiment_id], f"attributes.run_name = '{name} {night}'", output_format="list"
    )
    for previous in runs:  # the newest first
        if any(kept.path == file for kept in client(settings).list_artifacts(previous.info.run_id)):
            return Path(mlflow.artifacts.download_artifacts(run_id=previous.info.run_id, artifact_path=file))
    return None


def _experiment(settings: Settings, stage: str) -> str:
    """Return the id of the stage's experiment; create it if needed. A deleted experiment keeps its name, so it is restored."""
    store = client(settings)
    artifact_root = ROOT if database(settings.mlflow_uri) else None
    try:
        return str(store.create_experiment(stage, artifact_root))
    except MlflowException as error:
        experiment = store.get_experiment_by_name(stage)
        if experiment is None:
            raise error
    if experiment.lifecycle_stage == LifecycleStage.DELETED:
        _log.warning("experiment %s was deleted in MLflow; restoring it, because this night's runs belong to it", stage)
        try:
            store.restore_experiment(experiment.experiment_id)
        except MlflowException:
            if store.get_experiment(experiment.experiment_id).lifecycle_stage == LifecycleStage.DELETED:
                raise  # otherwise another job of the night has restored it
    return str(experiment.experiment_id)


def _previous_run(experiment: str, name: str, params: Mapping[str, object]) -> str | None:
    """Return the id of the run of this name, if it has the same parameters: MLflow does not allow changing them."""
    runs = mlflow.search_runs([experiment], f"attributes.run_name = '{name}'", output_format="list")
    for previous in runs:
        if previous.data.params == {k: str(v) for k, v in params.items()}:
            return str(previous.info.run_id)
        mlflow.delete_run(previous.info.run_id)  # superseded; MLflow keeps it until it is purged
    return None
