"""Runs: what a training was given, what it measured, and the model that it made."""

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
from jobs.platform.tracking._saved import digest, saved
from jobs.platform.tracking._store import client, is_empty
from jobs.platform.tracking.versions import version_of
from jobs.platform.tracking.weights import forget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_log = logging.getLogger(__name__)
_REPOSITORY = Path(__file__).parents[3]


class Run:
    """The MLflow run of one training."""

    def __init__(self, context: JobContext, run: MlflowRun) -> None:
        self._night = context
        self._run_id: str = run.info.run_id

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log figures of this step, or of the whole training."""
        mlflow.log_metrics(dict(metrics), step=step)

    def log_figure(self, figure: "Figure", file: str) -> None:
        """Keep a plot as an artifact."""
        mlflow.log_figure(figure, file)

    def log_dict(self, content: Mapping[str, Any], file: str) -> None:
        """Keep a JSON or YAML document as an artifact, by the file's extension."""
        mlflow.log_dict(dict(content), file)

    def log_text(self, text: str, file: str) -> None:
        """Keep a text as an artifact."""
        mlflow.log_text(text, file)

    def log_file(self, path: Path) -> None:
        """Keep a file as an artifact."""
        mlflow.log_artifact(str(path))

    def log_model(
        self, name: str, family: str, directory: Path, *, pyfunc: Path, input_example: Any, prediction: Any
    ) -> str:
        """Log and register the model saved in a directory; a model of the same bytes and night is not registered twice.

        Args:
            name: the registered model it competes in.
            family: which kind of model it is.
            directory: the saved model; its files decide the version's name.
            pyfunc: file of code that defines MLflow's `PythonModel` around `directory`, given as the artifact `model`.
            input_example: what `predict` takes; with `prediction`, what it gave, it makes the signature.
            prediction: see `input_example`.

        Returns:
            Our own name of the version.
        """
        night, settings = self._night.date, self._night.settings
        version = f"{family}-{night}-{digest(directory)}"
        trained = training_tags(settings, self._run_id, self._night.lake.inputs)
        promoted = "false"
        if (registered := find(settings, name, version)) is not None:
            if saved(settings, registered) is not None:
                _log.info("%s is registered already", version)
                for tag, value in trained.items():
                    client(settings).set_model_version_tag(name, registered.version, tag, value)
                return version
            _log.warning("%s: its files are not what was saved; it is registered again", version)
            promoted = registered.tags["promoted"]
        failpoint("trained")
        logged = mlflow.pyfunc.log_model(
            name=family.replace(".", "_"),
            python_model=str(pyfunc),
            artifacts={"model": str(directory)},
            signature=infer_signature(input_example, prediction),
            input_example=input_example,
            code_paths=[str(_REPOSITORY / "models")],
            pip_requirements=[],  # the repository's own lock file says what runs it
        )
        tags = {"version": version, "family": family, "night": str(night), "promoted": promoted, **trained}
        failpoint("logged")
        mlflow.register_model(logged.model_uri, name, tags=tags)
        if registered is not None:
            forget(settings, version_of(registered))  # whatever is left of them
        return version


@contextmanager
def run(context: JobContext, key: str, params: Mapping[str, object]) -> Iterator[Run]:
    """Track one training. Run again for the same night, it goes on with the run it made before.

    The tables read up to the end, with their versions, and the version of the code become tags of the run.

    Args:
        context: of the job that trains.
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
    """A file that the run of this key and night has kept, e.g. `verdict.json` of `ads/promote`; None where there is none."""
    stage, name = key.split("/", 1)
    experiment = None if is_empty(settings) else client(settings).get_experiment_by_name(stage)
    if experiment is None:
        return None
    runs = mlflow.search_runs(
        [experiment.experiment_id], f"attributes.run_name = '{name} {night}'", output_format="list"
    )
    for found in runs:  # the newest first
        if any(kept.path == file for kept in client(settings).list_artifacts(found.info.run_id)):
            return Path(mlflow.artifacts.download_artifacts(run_id=found.info.run_id, artifact_path=file))
    return None


def _experiment(settings: Settings, stage: str) -> str:
    """The experiment of this name, made where there is none. A deleted one keeps its name, so it is taken back."""
    store = client(settings)
    beside_the_database = ROOT if database(settings.mlflow_uri) else None
    try:
        return str(store.create_experiment(stage, beside_the_database))
    except MlflowException as error:
        found = store.get_experiment_by_name(stage)
        if found is None:
            raise error
    if found.lifecycle_stage == LifecycleStage.DELETED:
        _log.warning("experiment %s was deleted in MLflow; it is restored, since this night's runs belong there", stage)
        try:
            store.restore_experiment(found.experiment_id)
        except MlflowException:
            if store.get_experiment(found.experiment_id).lifecycle_stage == LifecycleStage.DELETED:
                raise  # else another job of the night was first
    return str(found.experiment_id)


def _previous_run(experiment: str, name: str, params: Mapping[str, object]) -> str | None:
    """The run of this name, if its parameters are the same: MLflow refuses to change them."""
    runs = mlflow.search_runs([experiment], f"attributes.run_name = '{name}'", output_format="list")
    for found in runs:
        if found.data.params == {k: str(v) for k, v in params.items()}:
            return str(found.info.run_id)
        mlflow.delete_run(found.info.run_id)  # superseded: kept by MLflow until it is purged
    return None
