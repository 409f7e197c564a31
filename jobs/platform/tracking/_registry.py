"""MLflow's records of registered versions, as far as they are ours.

Anybody may register models in the same MLflow, or edit and delete in its UI. What lacks our tags, or has other values in them,
is passed over. What is worth knowing of the training is kept in tags of the version as well: its run may be purged.
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


def records(settings: Settings, where: str = "") -> list[Record]:
    """All versions of ours.

    Args:
        settings: where MLflow is.
        where: a condition in MLflow's language of searches.
    """
    client(settings)
    return [found for found in mlflow.search_model_versions(filter_string=where or None) if _is_ours(found)]


def with_weights(settings: Settings, where: str = "") -> list[Record]:
    """The versions of ours whose weights have not been erased."""
    return [found for found in records(settings, where) if found.tags.get("weights") != "erased"]


def find(settings: Settings, name: str, version: str) -> Record | None:
    """The version with weights under our own name of it: the last one, should it have been registered again."""
    found = with_weights(settings, f"name = '{name}' and tags.version = '{version}'")
    return max(found, key=trained_at, default=None)


def training_tags(settings: Settings, run: str, inputs: Mapping[str, int]) -> dict[str, str]:
    """What the tags of a version say of the training that a run has just done."""
    found = client(settings).get_run(run)
    kept = {tag: found.data.tags[tag] for tag in ("scheduler_run", "code_version")}
    return {
        _METRICS: json.dumps(found.data.metrics),
        _TRAINED: str(int(dt.datetime.now(dt.UTC).timestamp() * 1000)),
        **kept,
        **input_tags(inputs),
    }


def metrics(found: Record) -> dict[str, float] | None:
    """The metrics of the training; None where neither a tag nor a run knows them any more."""
    if _METRICS in found.tags:
        try:
            return {str(name): float(value) for name, value in json.loads(found.tags[_METRICS]).items()}
        except (ValueError, TypeError, AttributeError):
            return None
    return None if (run := _run(found)) is None else dict(run.data.metrics)


def training_tag(found: Record, tag: str) -> str:
    """What a version or else its run says of the training, `unknown` where neither does."""
    if tag in found.tags:
        return str(found.tags[tag])
    return "unknown" if (run := _run(found)) is None else str(run.data.tags.get(tag, "unknown"))


def trained_at(found: Record) -> tuple[int, int]:
    """What versions are ordered by from the oldest training to the newest: one made again keeps its number."""
    tag = found.tags.get(_TRAINED, "")
    return (int(tag if tag.isdecimal() else found.creation_timestamp or 0), int(found.version))


def night(found: Record) -> dt.date:
    """The night that trained a version."""
    return dt.date.fromisoformat(found.tags["night"])


def input_tags(inputs: Mapping[str, int]) -> dict[str, str]:
    """The tags that say which version of each table something was made from."""
    return {f"{_INPUT}{table}": str(version) for table, version in inputs.items()}


def inputs(found: Record) -> dict[str, int]:
    """Version of each table that a version was trained on. Its run may have gone on since, and read later ones.

    Raises:
        BadInput: somebody has written something else there.
    """
    read = {}
    for tag, value in found.tags.items():
        if tag.startswith(_INPUT):
            try:
                read[tag.removeprefix(_INPUT)] = int(value)
            except ValueError:
                where = f"{found.name} version {found.version} in MLflow: tag {tag} is {value!r}"
                raise BadInput(f"{where}, not the version of a table; correct it there") from None
    return read


def _is_ours(found: Record) -> bool:
    try:
        night(found)
    except (KeyError, ValueError):
        return False
    return {"version", "family"} <= found.tags.keys() and found.tags.get("promoted") in ("true", "false")


def _run(found: Record) -> mlflow.entities.Run | None:
    try:
        return mlflow.get_run(found.run_id) if found.run_id else None
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
