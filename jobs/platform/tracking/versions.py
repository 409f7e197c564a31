"""Versions of models: lists them, finds the champion, and records each night's verdict."""

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
from jobs.platform.tracking._saved import saved_directory
from jobs.platform.tracking._store import client, is_empty

_CHAMPION = "champion"
_LATER = f"tags.{_registry.LATER_PROMOTIONS} LIKE '%-%'"


@dataclass(frozen=True)
class ModelVersion:
    """One registered version of a model."""

    name: str
    """The registered model, e.g. `recommender`."""
    version: str
    """Our own name of the version: family, night and content, e.g. `als-2022-05-01-3fa9c1d2`."""
    family: str
    """The kind of model, e.g. `als`."""
    night: dt.date
    metrics: dict[str, float]
    """The metrics of its training; empty if MLflow no longer has them."""
    number: str
    """MLflow's own number of the version."""
    promoted: bool
    """True if the verdict of its own night promoted it."""
    model: str = ""
    """The model's own name of itself, if it has one."""


@dataclass(frozen=True)
class Training:
    """The training of a registered version of a model."""

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
    """Return the version that served when night `before` began: the last one promoted on an earlier night."""
    return next((to_model_version(live) for live in champions(settings, before=before) if live.name == name), None)


def champions(settings: Settings, *, before: dt.date) -> list[Record]:
    """Return the champion of each registered model, as MLflow's record."""
    last: dict[str, Record] = {}
    own, later = (with_weights(settings, condition) for condition in ("tags.promoted = 'true'", _LATER))
    promotions = {(day, v.tags["version"], v.name): v for v in (*own, *later) for day in _registry.promoted_on(v)}
    for (day, _, name), version in sorted(promotions.items(), key=lambda item: item[0]):
        if day < before:
            last[name] = version
    return list(last.values())


def candidates(settings: Settings, name: str, *, night: dt.date, families: Sequence[str]) -> list[ModelVersion]:
    """Return the last version of each family that the night trained.

    Raises:
        MissingInput: a family has no version, or its metrics were lost with its run, so it cannot be judged.
    """
    by_family = {v.tags["family"]: v for v in _of_night(settings, name, night)}
    if missing := [f for f in families if f not in by_family or _registry.metrics(by_family[f]) is None]:
        raise MissingInput(f"{name} of {night}: {', '.join(missing)}", hint="run the training of that night first")
    return [to_model_version(by_family[family]) for family in families]


def newest(settings: Settings, name: str, family: str) -> ModelVersion | None:
    """Return the last version of a family that any night trained; None if there is none."""
    of_family = with_weights(settings, f"name = '{name}' and tags.family = '{family}'")
    return to_model_version(max(of_family, key=_registry.trained_at)) if of_family else None


def serving(settings: Settings, name: str, *, night: dt.date) -> ModelVersion:
    """Return the version that serves after the night's verdict.

    Raises:
        MissingInput: no version has been promoted up to that night.
    """
    version = champion(settings, name, before=night + dt.timedelta(days=1))
    if version is None:
        raise MissingInput(f"{name}: no version promoted up to {night}", hint="run that night's promotion first")
    return version


def set_verdict(settings: Settings, name: str, *, night: dt.date, promoted: ModelVersion | None) -> None:
    """Record which version the verdict of a night promoted, if any, and set the `champion` alias to the last promoted version.

    The version may be one that an earlier night trained.
    """
    store = client(settings)
    number = None if promoted is None else promoted.number
    for version in _of_night(settings, name, night):
        goes_live = str(version.version) == number
        store.set_model_version_tag(name, version.version, "promoted", str(goes_live).lower())
    later = {str(version.version): version for version in with_weights(settings, f"name = '{name}' and {_LATER}")}
    if (
        promoted is not None
        and promoted.night != night
        and (record := _registry.find(settings, name, promoted.version))
    ):
        later[number := str(record.version)] = record
    for its_number, version in later.items():
        nights = set(_registry.later_promotions(version)) - {night}
        if its_number == number and _registry.night(version) != night:
            nights.add(night)
        text = " ".join(sorted(map(str, nights)))
        store.set_model_version_tag(name, its_number, _registry.LATER_PROMOTIONS, text)
    failpoint("promoted")
    if (live := champion(settings, name, before=dt.date.max)) is not None:
        store.set_registered_model_alias(name, _CHAMPION, live.number)


def download(settings: Settings, version: ModelVersion) -> Path:
    """Return the directory with the version's saved model.

    Raises:
        MissingInput: the directory is gone or changed.
    """
    record = _registry.find(settings, version.name, version.version)
    if record is None or (directory := saved_directory(settings, record)) is None:
        where = f"{version.name} {version.version}: its files in MLflow's artifacts are missing or differ from what was saved"
        raise MissingInput(where, hint=f"rerun the training and promotion of {version.night}")
    return directory


def history(settings: Settings, first: dt.date, last: dt.date) -> list[ModelVersion]:
    """Return the last version of each family trained in the nights `first` to `last`, sorted by model, night and family."""
    if is_empty(settings):
        return []
    latest: dict[tuple[str, dt.date, str], Record] = {}
    condition = f"tags.night LIKE '{commonprefix([str(first), str(last)])}%'"  # noqa: RUF071 - by characters, because MLflow cannot compare tags with < and >
    for version in sorted(_registry.records(settings, condition), key=_registry.trained_at):
        if first <= (night := _registry.night(version)) <= last:
            latest[version.name, night, version.tags["family"]] = version
    return [to_model_version(latest[key]) for key in sorted(latest)]


def live_inputs(settings: Settings) -> dict[str, list[tuple[dt.date, int]]]:
    """Return the tables that the current champions were trained on: table -> (the model's night, the table's version).

    Raises:
        BadInput: the recorded inputs were edited in MLflow.
    """
    result: dict[str, list[tuple[dt.date, int]]] = {}
    for live in [] if is_empty(settings) else champions(settings, before=dt.date.max):
        for table, version in _registry.inputs(live).items():
            result.setdefault(table, []).append((_registry.night(live), version))
    return result


def training(settings: Settings, version: str) -> Training | None:
    """Return the training of the version with this name, ours or the model's own; None if MLflow does not have it.

    Raises:
        BadInput: the recorded inputs were edited in MLflow.
    """
    if is_empty(settings) or "'" in version:
        return None
    named = (_registry.records(settings, f"tags.{tag} = '{version}'") for tag in ("version", "model"))
    record = max((record for records in named for record in records), key=_registry.trained_at, default=None)
    if record is None:
        return None
    return Training(
        name=record.name,
        number=str(record.version),
        run=record.run_id or "unknown",
        scheduler_run=_registry.training_tag(record, "scheduler_run"),
        code=_registry.training_tag(record, "code_version"),
        inputs=_registry.inputs(record),
    )


def to_model_version(record: Record) -> ModelVersion:
    """Convert MLflow's record to a ModelVersion."""
    return ModelVersion(
        name=record.name,
        version=record.tags["version"],
        family=record.tags["family"],
        night=_registry.night(record),
        metrics=_registry.metrics(record) or {},
        number=str(record.version),
        promoted=record.tags["promoted"] == "true",
        model=record.tags.get("model", ""),
    )


def _of_night(settings: Settings, name: str, night: dt.date) -> list[Record]:
    """Return all versions that a night trained, in the order of training."""
    versions = with_weights(settings, f"name = '{name}' and tags.night = '{night}'")
    return sorted(versions, key=_registry.trained_at)
