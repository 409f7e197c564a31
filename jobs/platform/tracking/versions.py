"""Versions of models: which there are, which one serves, and what each night decided."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.entities.model_registry import ModelVersion as MlflowModelVersion

from jobs.platform.errors import MissingInput
from jobs.platform.failpoint import failpoint
from jobs.platform.settings import Settings
from jobs.platform.tracking._store import client, is_empty

_CHAMPION = "champion"
_INPUT = "input."


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


@dataclass(frozen=True)
class Training:
    """What made a registered version of a model."""

    name: str
    """The registered model, e.g. `recommender`."""
    number: str
    """MLflow's own number of the version."""
    run: str
    """MLflow's id of the run."""
    scheduler_run: str
    code: str
    inputs: dict[str, int]
    """Version of every table that it was trained on."""


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
    store = client(settings)
    for version in _versions(settings, name):
        if version.night == night:
            goes_live = promoted is not None and version.number == promoted.number
            store.set_model_version_tag(name, version.number, "promoted", str(goes_live).lower())
    failpoint("promoted")
    if (live := champion(settings, name, before=dt.date.max)) is not None:
        store.set_registered_model_alias(name, _CHAMPION, live.number)


def download(settings: Settings, version: ModelVersion) -> Path:
    """The directory that the version was saved in."""
    client(settings)
    model = Path(mlflow.artifacts.download_artifacts(f"models:/{version.name}/{version.number}"))
    (saved,) = (model / "artifacts").iterdir()
    return saved


def history(settings: Settings, first: dt.date, last: dt.date) -> list[ModelVersion]:
    """What the nights from `first` to `last` trained: the newest version of each family, by model, night and family."""
    if is_empty(settings):
        return []
    found: dict[tuple[str, dt.date, str], ModelVersion] = {}
    for model in client(settings).search_registered_models():
        registered = client(settings).search_model_versions(f"name = '{model.name}'")
        of_nights = [v for v in registered if str(first) <= v.tags.get("night", "") <= str(last)]
        for version in map(_version, sorted(of_nights, key=lambda v: int(v.version))):
            found[version.name, version.night, version.family] = version
    return [found[place] for place in sorted(found)]


def live_inputs(settings: Settings) -> dict[str, list[tuple[dt.date, int]]]:
    """What the champions of today were trained on: for each table the model's night and the version that it read."""
    found: dict[str, list[tuple[dt.date, int]]] = {}
    models = () if is_empty(settings) else client(settings).search_registered_models()
    for model in models:
        live = champion(settings, model.name, before=dt.date.max)
        registered = live and find_registered(live.name, live.version)
        if live is None or not registered:
            continue
        for table, version in inputs(registered).items():
            found.setdefault(table, []).append((live.night, version))
    return found


def training(settings: Settings, version: str) -> Training | None:
    """What made a version, by our own name of it; None where MLflow does not know it or its run."""
    found = () if is_empty(settings) else client(settings).search_model_versions(f"tags.version = '{version}'")
    for registered in found:
        if registered.run_id:
            tags = mlflow.get_run(registered.run_id).data.tags
            return Training(
                name=registered.name,
                number=str(registered.version),
                run=registered.run_id,
                scheduler_run=tags.get("scheduler_run", "unknown"),
                code=tags.get("code_version", "unknown"),
                inputs=inputs(registered),
            )
    return None


def input_tags(inputs: Mapping[str, int]) -> dict[str, str]:
    """The tags that say which version of each table something was made from."""
    return {f"{_INPUT}{table}": str(version) for table, version in inputs.items()}


def inputs(registered: MlflowModelVersion) -> dict[str, int]:
    """Version of each table that a version was trained on. Its run may have gone on since, and read later ones."""
    return {t.removeprefix(_INPUT): int(value) for t, value in registered.tags.items() if t.startswith(_INPUT)}


def with_weights(settings: Settings, name: str) -> list[tuple[ModelVersion, MlflowModelVersion]]:
    """The versions whose weights are there, ours beside MLflow's own record."""
    found = client(settings).search_model_versions(f"name = '{name}'")
    return [(_version(v), v) for v in found if "version" in v.tags and not _is_erased(v)]


def _versions(settings: Settings, name: str) -> list[ModelVersion]:
    return [version for version, _ in with_weights(settings, name)]


def _is_erased(found: MlflowModelVersion) -> bool:
    return found.tags.get("weights") == "erased"


def find_registered(name: str, version: str) -> MlflowModelVersion | None:
    """MLflow's record of a version with weights under our own name of it."""
    found = mlflow.MlflowClient().search_model_versions(f"name = '{name}'")
    return next((v for v in found if v.tags.get("version") == version and not _is_erased(v)), None)


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
