"""Runs, models and champions in MLflow: the only module that knows it.

All models that compete for one place are versions of one registered model ("recommender", "click_model"). A version is
known by a name of our own, made of what it is rather than of when it was registered, so that nights run again, in another
order or side by side give the same names. The `champion` alias is what serves; verdicts look at versions of earlier nights
only, so that a night run again reaches the same verdict.
"""

import datetime as dt
import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from matplotlib.figure import Figure
from mlflow.entities import Run as MlflowRun
from mlflow.entities.model_registry import ModelVersion as MlflowModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature

from jobs.platform.errors import MissingInput
from jobs.platform.night import Night, code_version, run_id
from jobs.platform.settings import Settings

_log = logging.getLogger(__name__)
_CHAMPION = "champion"
_REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class ModelVersion:
    """One registered version of a model."""

    name: str
    """The registered model, e.g. `recommender`."""
    version: str
    """Our own name of the version: family, night and content, e.g. `als-2022-05-01-3fa9c1d2`."""
    family: str
    """Which kind of model it is, e.g. `als`."""
    night: dt.date
    metrics: dict[str, float]
    """The metrics of the run that made it."""
    number: str
    """MLflow's own number of the version."""
    promoted: bool


class Run:
    """The MLflow run of one training."""

    def __init__(self, night: Night, run: MlflowRun) -> None:
        self._night = night
        self._run_id: str = run.info.run_id

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log figures of this step, or of the whole training."""
        mlflow.log_metrics(dict(metrics), step=step)

    def log_figure(self, figure: Figure, file: str) -> None:
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
        night = self._night.date
        version = f"{family}-{night}-{_digest(directory)}"
        if _find(name, version) is not None:
            _log.info("%s is registered already", version)
            return version
        logged = mlflow.pyfunc.log_model(
            name=family.replace(".", "_"),
            python_model=str(pyfunc),
            artifacts={"model": str(directory)},
            signature=infer_signature(input_example, prediction),
            input_example=input_example,
            code_paths=[str(_REPOSITORY / "models")],
            pip_requirements=[],  # the repository's own lock file says what runs it
        )
        tags = {"version": version, "family": family, "night": str(night), "promoted": "false"}
        mlflow.register_model(logged.model_uri, name, tags=tags)
        return version


@contextmanager
def run(night: Night, key: str, params: Mapping[str, object]) -> Iterator[Run]:
    """Track one training. Run again for the same night, it goes on with the run it made before.

    The tables read up to the end, with their versions, and the version of the code become tags of the run.

    Args:
        night: the night that trains.
        key: stage and model, e.g. `recommend/als`; the stage is the experiment.
        params: hyperparameters.
    """
    experiment = _experiment(night.settings, key.split("/")[0])
    name = f"{key.split('/', 1)[1]} {night.date}"
    previous = _previous_run(experiment, name, params)
    with mlflow.start_run(run_id=previous, experiment_id=experiment, run_name=None if previous else name) as active:
        mlflow.log_params({k: str(v) for k, v in params.items()})
        mlflow.set_tags({"night": str(night.date), "scheduler_run": run_id(), "code_version": code_version()})
        yield Run(night, active)
        mlflow.set_tags({f"input.{table}": version for table, version in night.inputs.items()})


def champion(settings: Settings, name: str, *, before: dt.date) -> ModelVersion | None:
    """The version that served when night `before` began: the last one promoted on an earlier night."""
    earlier = [v for v in _versions(settings, name) if v.promoted and v.night < before]
    return max(earlier, key=lambda v: (v.night, v.version), default=None)


def candidates(settings: Settings, name: str, *, night: dt.date, families: Sequence[str]) -> list[ModelVersion]:
    """The newest version of each family that the night trained.

    Raises:
        MissingInput: a family has none.
    """
    found: dict[str, ModelVersion] = {}
    for version in sorted(_versions(settings, name), key=lambda v: int(v.number)):
        if version.night == night:
            found[version.family] = version
    if missing := [family for family in families if family not in found]:
        raise MissingInput(f"{name} of {night}: {', '.join(missing)}", hint="run the training of that night first")
    return [found[family] for family in families]


def serving(settings: Settings, name: str, *, night: dt.date) -> ModelVersion:
    """The version that serves once the night's verdict has been given.

    Raises:
        MissingInput: no version has been promoted up to that night.
    """
    found = champion(settings, name, before=night + dt.timedelta(days=1))
    if found is None:
        raise MissingInput(f"{name}: no version promoted up to {night}", hint="run that night's promotion first")
    return found


def set_verdict(settings: Settings, name: str, *, night: dt.date, promoted: ModelVersion | None) -> None:
    """Record which version of a night went live, if any, and point the `champion` alias at the latest one that did."""
    client = _client(settings)
    for version in _versions(settings, name):
        if version.night == night:
            goes_live = promoted is not None and version.number == promoted.number
            client.set_model_version_tag(name, version.number, "promoted", str(goes_live).lower())
    if (live := champion(settings, name, before=dt.date.max)) is not None:
        client.set_registered_model_alias(name, _CHAMPION, live.number)


def download(settings: Settings, version: ModelVersion) -> Path:
    """The directory that the version was saved in."""
    _client(settings)
    model = Path(mlflow.artifacts.download_artifacts(f"models:/{version.name}/{version.number}"))
    (saved,) = (model / "artifacts").iterdir()
    return saved


def history(settings: Settings, first: dt.date, last: dt.date) -> list[ModelVersion]:
    """What the nights from `first` to `last` trained: the newest version of each family, by model, night and family."""
    if _is_empty(settings):
        return []
    found: dict[tuple[str, dt.date, str], ModelVersion] = {}
    for model in _client(settings).search_registered_models():
        registered = _client(settings).search_model_versions(f"name = '{model.name}'")
        of_nights = [v for v in registered if str(first) <= v.tags.get("night", "") <= str(last)]
        for version in map(_version, sorted(of_nights, key=lambda v: int(v.version))):
            found[version.name, version.night, version.family] = version
    return [found[place] for place in sorted(found)]


def artifact(settings: Settings, key: str, night: dt.date, file: str) -> Path | None:
    """A file that the run of this key and night has kept, e.g. `verdict.json` of `ads/promote`; None where there is none."""
    stage, name = key.split("/", 1)
    experiment = None if _is_empty(settings) else _client(settings).get_experiment_by_name(stage)
    if experiment is None:
        return None
    runs = mlflow.search_runs(
        [experiment.experiment_id], f"attributes.run_name = '{name} {night}'", output_format="list"
    )
    for found in runs:  # the newest first
        if any(kept.path == file for kept in _client(settings).list_artifacts(found.info.run_id)):
            return Path(mlflow.artifacts.download_artifacts(run_id=found.info.run_id, artifact_path=file))
    return None


def live_inputs(settings: Settings) -> dict[str, list[tuple[dt.date, int]]]:
    """What the champions of today were trained on: for each table the model's night and the version that it read."""
    found: dict[str, list[tuple[dt.date, int]]] = {}
    models = () if _is_empty(settings) else _client(settings).search_registered_models()
    for model in models:
        live = champion(settings, model.name, before=dt.date.max)
        registered = live and _find(live.name, live.version)
        if live is None or not registered or not registered.run_id:
            continue
        for tag, value in mlflow.get_run(registered.run_id).data.tags.items():
            if tag.startswith("input."):
                found.setdefault(tag.removeprefix("input."), []).append((live.night, int(value)))
    return found


def _is_empty(settings: Settings) -> bool:
    """Whether nothing was ever tracked here; to ask MLflow would make its database, which takes many seconds."""
    return (
        settings.mlflow_uri == f"sqlite:///{settings.home / 'mlflow.db'}" and not (settings.home / "mlflow.db").exists()
    )


def _client(settings: Settings) -> mlflow.MlflowClient:
    mlflow.set_tracking_uri(settings.mlflow_uri)
    return mlflow.MlflowClient()


def _experiment(settings: Settings, stage: str) -> str:
    client = _client(settings)
    local = settings.mlflow_uri.startswith("sqlite:")
    try:
        return str(client.create_experiment(stage, (settings.home / "mlartifacts").as_uri() if local else None))
    except MlflowException as error:
        found = client.get_experiment_by_name(stage)
        if found is None:
            raise error
        return str(found.experiment_id)


def _previous_run(experiment: str, name: str, params: Mapping[str, object]) -> str | None:
    """The run of this name, if its parameters are the same: MLflow refuses to change them."""
    runs = mlflow.search_runs([experiment], f"attributes.run_name = '{name}'", output_format="list")
    for found in runs:
        if found.data.params == {k: str(v) for k, v in params.items()}:
            return str(found.info.run_id)
        mlflow.delete_run(found.info.run_id)  # superseded: kept by MLflow until it is purged
    return None


def _versions(settings: Settings, name: str) -> list[ModelVersion]:
    found = _client(settings).search_model_versions(f"name = '{name}'")
    return [_version(v) for v in found if "version" in v.tags]


def _find(name: str, version: str) -> MlflowModelVersion | None:
    found = mlflow.MlflowClient().search_model_versions(f"name = '{name}'")
    return next((v for v in found if v.tags.get("version") == version), None)


def _version(found: MlflowModelVersion) -> ModelVersion:
    return ModelVersion(
        name=found.name,
        version=found.tags["version"],
        family=found.tags["family"],
        night=dt.date.fromisoformat(found.tags["night"]),
        metrics=mlflow.get_run(found.run_id).data.metrics if found.run_id else {},
        number=str(found.version),
        promoted=found.tags["promoted"] == "true",
    )


def _digest(directory: Path) -> str:
    """The first 8 hexadecimal digits of SHA-256 over the names and bytes of all files."""
    sha = hashlib.sha256()
    for path in sorted(p for p in directory.rglob("*") if p.is_file()):
        sha.update(f"{path.relative_to(directory)}\0{path.stat().st_size}\0".encode())
        sha.update(path.read_bytes())
    return sha.hexdigest()[:8]
