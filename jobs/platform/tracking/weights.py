"""Erasure of trained weights: the weights of a version are deleted, its record (metrics, verdict) is kept."""

import datetime as dt
from collections.abc import Collection, Mapping

from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from jobs.platform.settings import Settings
from jobs.platform.tracking._registry import inputs, with_weights
from jobs.platform.tracking._registry import night as night_of
from jobs.platform.tracking._store import client, is_empty
from jobs.platform.tracking.versions import ModelVersion, champions, to_model_version


def trained_on_erased(
    settings: Settings, erased: Mapping[str, Collection[tuple[dt.date, int]]]
) -> list[tuple[ModelVersion, bool]]:
    """Return the versions whose weights were trained on rows that were erased later, each with True if it serves now.

    Args:
        settings: the location of MLflow.
        erased: table -> the days with erased rows, each with the last version of the table that had these rows.

    Raises:
        BadInput: the recorded inputs of a version were edited in MLflow.
    """
    if is_empty(settings):
        return []
    live = {(champion.name, champion.version) for champion in champions(settings, before=dt.date.max)}
    affected = []
    for version in with_weights(settings):
        read, night = inputs(version), night_of(version)
        days = [(day, last, table) for table in read.keys() & erased.keys() for day, last in erased[table]]
        if any(day <= night and read[table] <= last for day, last, table in days):
            affected.append((to_model_version(version), (version.name, version.version) in live))
    return affected


def delete_weights(settings: Settings, version: ModelVersion) -> None:
    """Delete a version's weights from the artifact store. The version is never a candidate or champion again."""
    store = client(settings)
    uri = store.get_model_version_download_uri(version.name, version.number)
    get_artifact_repository(uri).delete_artifacts()
    store.set_model_version_tag(version.name, version.number, "weights", "erased")
