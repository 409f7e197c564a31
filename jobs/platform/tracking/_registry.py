"""MLflow's records of the versions that we registered.

Others may register models in the same MLflow, or edit and delete versions in its UI. Versions without our tags, or with invalid
values in them, are ignored. The facts about a training are also stored in tags of the version, because its run may be purged.
"""

import datetime as dt
import json
from collections.abc import Mapping

import mlflow
from mlflow.entities.model_registry import ModelVersion as Record
from mlflow.exceptions import MlflowException

from jobs.platform.errors import BadInput
from jobs.platform.settings import Settings
from jobs.platform.tracking._store import client

_INPUT = "input."
_METRICS = "metrics"
_TRAINED = "trained"
LATER_PROMOTIONS = "later_promotions"
"""Tag with the nights, separated by blanks, whose verdict promoted a version that an earlier night trained."""


def records(settings: Settings, where: str = "") -> list[Record]:
    """Return all versions that we registered.

    Args:
        settings: the location of MLflow.
        where: a condition in MLflow's search syntax.
    """
    client(settings)
    return [version for version in mlflow.search_model_versions(filter_string=where or None) if _is_ours(version)]


def with_weights(settings: Settings, where: str = "") -> list[Record]:
    """Return our versions whose weights have not been erased."""
    return [version for version in records(settings, where) if version.tags.get("weights") != "erased"]


def find(settings: Settings, name: str, version: str) -> Record | None:
    """Return the version with our name `version` that has weights; the last one if it was registered several times."""
    matching = with_weights(settings, f"name = '{name}' and tags.version = '{version}'")
    return max(matching, key=trained_at, default=None)


def training_tags(settings: Settings, run_id: str, inputs: Mapping[str, int]) -> dict[str, str]:
    """Return the tags of a version that describe the training that a run has just finished."""
    run = client(settings).get_run(run_id)
    copied = {tag: run.data.tags[tag] for tag in ("scheduler_run", "code_version")}
    return {
        _METRICS: json.dumps(run.data.metrics),
        _TRAINED: str(int(dt.datetime.now(dt.UTC).timestamp() * 1000)),
        **copied,
        **input_tags(inputs),
    }


def metrics(version: Record) -> dict[str, float] | None:
    """Return the metrics of the training; None if neither a tag nor a run has them."""
    if _METRICS in version.tags:
        try:
            return {str(name): float(value) for name, value in json.loads(version.tags[_METRICS]).items()}
        except (ValueError, TypeError, AttributeError):
            return None
    return None if (run := _run(version)) is None else dict(run.data.metrics)


def training_tag(version: Record, tag: str) -> str:
    """Return a tag of the version, or else of its run; `unknown` if neither has it."""
    if tag in version.tags:
        return str(version.tags[tag])
    return "unknown" if (run := _run(version)) is None else str(run.data.tags.get(tag, "unknown"))


def trained_at(version: Record) -> tuple[int, int]:
    """Return the sort key from the oldest training to the newest. A version that is trained again keeps its MLflow number."""
    tag = version.tags.get(_TRAINED, "")
    return (int(tag if tag.isdecimal() else version.creation_timestamp or 0), int(version.version))


def night(version: Record) -> dt.date:
    """Return the night that trained a version."""
    return dt.date.fromisoformat(version.tags["night"])


def promoted_on(version: Record) -> list[dt.date]:
    """Return the nights whose verdict promoted a version, the first one first. Mostly it is its own or none."""
    own = [night(version)] if version.tags["promoted"] == "true" else []
    return sorted({*own, *later_promotions(version)})


def later_promotions(version: Record) -> list[dt.date]:
    """Return the nights after its own whose verdict promoted a version."""
    return [dt.date.fromisoformat(text) for text in version.tags.get(LATER_PROMOTIONS, "").split()]


def input_tags(inputs: Mapping[str, int]) -> dict[str, str]:
    """Return the tags that record the version of each input table."""
    return {f"{_INPUT}{table}": str(version) for table, version in inputs.items()}


def inputs(version: Record) -> dict[str, int]:
    """Return the version of each table that a model version was trained on. Its run may have read later versions since.

    Raises:
        BadInput: such a tag was edited in MLflow and is not a number.
    """
    read = {}
    for tag, value in version.tags.items():
        if tag.startswith(_INPUT):
            try:
                read[tag.removeprefix(_INPUT)] = int(value)
            except ValueError:
                where = f"{version.name} version {version.version} in MLflow: tag {tag} is {value!r}"
                raise BadInput(f"{where}, not the version of a table; correct it there") from None
    return read


def _is_ours(version: Record) -> bool:
    try:
        promoted_on(version)
    except (KeyError, ValueError):
        return False
    return {"version", "family"} <= version.tags.keys() and version.tags.get("promoted") in ("true", "false")


def _run(version: Record) -> mlflow.entities.Run | None:
    try:
        return mlflow.get_run(version.run_id) if version.run_id else None
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
