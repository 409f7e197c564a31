"""What models have learned, and how they forget it: the weights of a version go, its record (metrics, verdict) stays."""

import datetime as dt
from collections.abc import Collection, Mapping

from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from jobs.platform.settings import Settings
from jobs.platform.tracking._registry import inputs, with_weights
from jobs.platform.tracking._registry import night as night_of
from jobs.platform.tracking._store import client, is_empty
from jobs.platform.tracking.versions import ModelVersion, champions, version_of


def trained_on(
    settings: Settings, erased: Mapping[str, Collection[tuple[dt.date, int]]]
) -> list[tuple[ModelVersion, bool]]:
    """The versions whose weights come from rows that are gone since, each with whether it serves now.

    Args:
        settings: where MLflow is.
        erased: for each table the days that rows were erased of, each with the last version of the table that had them.

    Raises:
        BadInput: somebody has changed in MLflow what a version was trained on.
    """
    if is_empty(settings):
        return []
    live = {(champion.name, champion.version) for champion in champions(settings, before=dt.date.max)}
    found = []
    for version in with_weights(settings):
        read, night = inputs(version), night_of(version)
        days = [(day, last, table) for table in read.keys() & erased.keys() for day, last in erased[table]]
        if any(day <= night and read[table] <= last for day, last, table in days):
            found.append((version_of(version), (version.name, version.version) in live))
    return found


def forget(settings: Settings, version: ModelVersion) -> None:
    """Delete a version's weights from the store of artifacts. It is never a candidate nor served again."""
    store = client(settings)
    where = store.get_model_version_download_uri(version.name, version.number)
    get_artifact_repository(where).delete_artifacts()
    store.set_model_version_tag(version.name, version.number, "weights", "erased")
