"""Sends the inputs and outputs of a publication as an OpenLineage event (https://openlineage.io), with OpenLineage's own client.

The destination is configured for that client (OPENLINEAGE_URL, OPENLINEAGE_CONFIG, openlineage.yml, OPENLINEAGE__TRANSPORT…).
Without a configuration nothing is sent.
"""

import logging
import os
from pathlib import Path

from jobs.platform.lake import Publication
from jobs.platform.settings import Settings

_log = logging.getLogger(__name__)
_TIMEOUT_S = 5.0


def emit(settings: Settings, table: str, publication: Publication) -> None:
    """Send the event of a publication. Errors are only logged, because the rows are already published."""
    if not _is_configured():
        return
    from openlineage.client import OpenLineageClient  # the import takes half a second, and many lakes send nothing

    from jobs.platform.lineage_event import lineage_event

    try:
        client = OpenLineageClient()
        client.emit(lineage_event(settings, table, publication))
        client.close(_TIMEOUT_S)
    except Exception as error:  # each transport has its own error types
        _log.warning("%s: the lineage of %s could not be sent: %s", table, publication.day, error)


def _is_configured() -> bool:
    names = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG")
    files = (Path("openlineage.yml"), Path.home() / ".openlineage" / "openlineage.yml")
    by_name = any(name in names or name.startswith("OPENLINEAGE__TRANSPORT") for name in os.environ)
    return by_name or any(file.is_file() for file in files)
