"""A publication as an OpenLineage event. Datasets are named by their location, as OpenLineage's specification requires."""

import datetime as dt
import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    DatasetFacet,
    RunFacet,
    dataset_version_dataset,
    documentation_dataset,
    nominal_time_run,
    output_statistics_output_dataset,
    parent_run,
    schema_dataset,
    symlinks_dataset,
    tags_run,
)
from openlineage.client.uuid import generate_static_uuid

from infra import durable
from infra.storage import s3_uri
from jobs.platform.lake import Publication
from jobs.platform.settings import Settings
from schemas.contract import Contract, load_contract

_NAMESPACE = "nightreel"
_PRODUCER = "urn:nightreel"


def lineage_event(settings: Settings, table: str, publication: Publication) -> RunEvent:
    """Return the COMPLETE event: the inputs with their versions, the table with its new version, and the run.

    Args:
        settings: the locations of the lake and the landing.
        table: layer and name; also the job's name.
        publication: the commit.
    """
    run_id = generate_static_uuid(publication.made_at, publication.attempt.encode())
    return RunEvent(
        eventType=RunState.COMPLETE,
        eventTime=publication.made_at.isoformat(),
        run=Run(str(run_id), dict(_run_facets(settings, publication))),
        job=Job(os.environ.get("OPENLINEAGE_NAMESPACE", _NAMESPACE), table),
        inputs=list(_inputs(settings, publication)),
        outputs=[_output(settings, load_contract(table), publication)],
        producer=_PRODUCER,
    )


def _run_facets(settings: Settings, publication: Publication) -> Iterator[tuple[str, RunFacet]]:
    midnight, next_midnight = (
        dt.datetime.combine(publication.day + dt.timedelta(days=days), dt.time(), settings.timezone).isoformat()
        for days in (0, 1)
    )
    yield "nominalTime", nominal_time_run.NominalTimeRunFacet(midnight, next_midnight)
    values = {name: publication.made_by[name] for name in ("run", "code")}
    values |= {"attempt": publication.attempt, "content": publication.content}
    tags = [tags_run.TagsRunFacetFields(name, value, _NAMESPACE) for name, value in values.items()]
    yield "tags", tags_run.TagsRunFacet(tags)
    # The parent run: the Airflow task sets `namespace/job/run id` of its own run.
    if parent := os.environ.get("OPENLINEAGE_PARENT_ID"):
        namespace, _, rest = parent.partition("/")
        job, _, run = rest.rpartition("/")
        yield "parent", parent_run.ParentRunFacet(parent_run.Run(run), parent_run.Job(namespace, job))


def _inputs(settings: Settings, publication: Publication) -> Iterator[InputDataset]:
    made_by = publication.made_by
    for table, version in sorted(made_by["inputs"].items()):
        yield InputDataset(*_dataset_name(settings.uri(table)), facets=_table_facets(table, version))
    for feed, digest in sorted(made_by["landed"].items()):
        folder = settings.landing / feed / f"dt={publication.day}"
        yield InputDataset(*_dataset_name(str(folder)), facets={"version": _version(digest)})
    if model := made_by["model"]:
        yield InputDataset("mlflow", model, facets={"version": _version(model)})


def _output(settings: Settings, contract: Contract, publication: Publication) -> OutputDataset:
    fields = [schema_dataset.SchemaDatasetFacetFields(c.name, c.type, c.description) for c in contract.columns]
    facets = {
        **_table_facets(contract.table, publication.version),
        "schema": schema_dataset.SchemaDatasetFacet(fields),
        "documentation": documentation_dataset.DocumentationDatasetFacet(contract.purpose),
    }
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=publication.rows, fileCount=len(publication.files)
    )
    return OutputDataset(*_dataset_name(settings.uri(contract.table)), {"outputStatistics": statistics}, facets=facets)


def _table_facets(table: str, version: int) -> dict[str, DatasetFacet]:
    symlinks = symlinks_dataset.SymlinksDatasetFacet([symlinks_dataset.Identifier(_NAMESPACE, table, "TABLE")])
    return {"version": _version(str(version)), "symlinks": symlinks}


def _version(version: str) -> DatasetFacet:
    return dataset_version_dataset.DatasetVersionDatasetFacet(version)


def _dataset_name(uri: str) -> tuple[str, str]:
    """Return a dataset's namespace and name: `file` and the path, or `SCHEME://BUCKET` and the key."""
    if path := durable.local(uri):
        return "file", str(path)
    parts = urlsplit(s3_uri(uri))
    return f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/")
