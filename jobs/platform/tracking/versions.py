"""Versions of models: which there are, which one serves, and what each night decided."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from os.path import commonprefix
from pathlib import Path

from mlflow.entities.model_registry import ModelVersion as Record

from jobs.platform.errors import MissingInput
from jobs.platform.failpoint import failpoint
from jobs.platform.settings import Settings
from jobs.platform.tracking import _registry
from jobs.platform.tracking._registry import with_weights
from jobs.platform.tracking._saved import saved
from jobs.platform.tracking._store import client, is_empty

_CHAMPION = "champion"


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
    """The metrics of the training that made it; none where MLflow has lost them."""
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
    return next((version_of(live) for live in champions(settings, before=before) if live.name == name), None)


def champions(settings: Settings, *, before: dt.date) -> list[Record]:
    """The champion of each registered model, as MLflow's own record."""
    found: dict[str, Record] = {}
    promoted = [v for v in with_weights(settings, "tags.promoted = 'true'") if _registry.night(v) < before]
    for version in sorted(promoted, key=lambda v: (_registry.night(v), v.tags["version"])):
        found[version.name] = version
    return list(found.values())


def candidates(settings: Settings, name: str, *, night: dt.date, families: Sequence[str]) -> list[ModelVersion]:
    """The version of each family that the night trained last.

    Raises:
        MissingInput: a family has none, or none that can be judged: its metrics went with its run.
    """
    found = {v.tags["family"]: v for v in _of_night(settings, name, night)}
    if missing := [f for f in families if f not in found or _registry.metrics(found[f]) is None]:
        raise MissingInput(f"{name} of {night}: {', '.join(missing)}", hint="run the training of that night first")
    return [version_of(found[family]) for family in families]


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
    for version in _of_night(settings, name, night):
        goes_live = promoted is not None and str(version.version) == promoted.number
        store.set_model_version_tag(name, version.version, "promoted", str(goes_live).lower())
    failpoint("promoted")
    if (live := champion(settings, name, before=dt.date.max)) is not None:
        store.set_registered_model_alias(name, _CHAMPION, live.number)


def download(settings: Settings, version: ModelVersion) -> Path:
    """The directory that the version was saved in.

    Raises:
        MissingInput: it is gone, or has been changed.
    """
    found = _registry.find(settings, version.name, version.version)
    if found is None or (kept := saved(settings, found)) is None:
        where = f"{version.name} {version.version}: its files in MLflow's artifacts are not what was saved"
        raise MissingInput(where, hint=f"run the training and promotion of {version.night} again")
    return kept


def history(settings: Settings, first: dt.date, last: dt.date) -> list[ModelVersion]:
    """What the nights from `first` to `last` trained: the last version of each family, by model, night and family."""
    if is_empty(settings):
        return []
    found: dict[tuple[str, dt.date, str], Record] = {}
    most = f"tags.night LIKE '{commonprefix([str(first), str(last)])}%'"  # noqa: RUF071 - by characters; MLflow compares no tags by < and >
    for version in sorted(_registry.records(settings, most), key=_registry.trained_at):
        if first <= (night := _registry.night(version)) <= last:
            found[version.name, night, version.tags["family"]] = version
    return [version_of(found[place]) for place in sorted(found)]


def live_inputs(settings: Settings) -> dict[str, list[tuple[dt.date, int]]]:
    """What the champions of today were trained on: for each table the model's night and the version that it read.

    Raises:
        BadInput: somebody has changed that in MLflow.
    """
    found: dict[str, list[tuple[dt.date, int]]] = {}
    for live in [] if is_empty(settings) else champions(settings, before=dt.date.max):
        for table, version in _registry.inputs(live).items():
            found.setdefault(table, []).append((_registry.night(live), version))
    return found


def training(settings: Settings, version: str) -> Training | None:
    """What made a version, by our own name of it; None where MLflow does not know it.

    Raises:
        BadInput: somebody has changed in MLflow what it was trained on.
    """
    if is_empty(settings) or "'" in version:
        return None
    found = max(_registry.records(settings, f"tags.version = '{version}'"), key=_registry.trained_at, default=None)
    if found is None:
        return None
    return Training(
        name=found.name,
        number=str(found.version),
        run=found.run_id or "unknown",
        scheduler_run=_registry.training_tag(found, "scheduler_run"),
        code=_registry.training_tag(found, "code_version"),
        inputs=_registry.inputs(found),
    )


def version_of(found: Record) -> ModelVersion:
    """Ours of MLflow's own record."""
    return ModelVersion(
        name=found.name,
        version=found.tags["version"],
        family=found.tags["family"],
        night=_registry.night(found),
        metrics=_registry.metrics(found) or {},
        number=str(found.version),
        promoted=found.tags["promoted"] == "true",
    )


def _of_night(settings: Settings, name: str, night: dt.date) -> list[Record]:
    """All versions that a night trained, the last one last."""
    found = with_weights(settings, f"name = '{name}' and tags.night = '{night}'")
    return sorted(found, key=_registry.trained_at)
