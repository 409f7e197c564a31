"""Tells what a publication read and made: an OpenLineage event (https://openlineage.io), sent by OpenLineage's own client.

Where to is that client's configuration (OPENLINEAGE_URL, OPENLINEAGE_CONFIG, openlineage.yml, OPENLINEAGE__TRANSPORT…); where
there is none, nothing is sent.
"""

import logging
import os
from pathlib import Path

from jobs.platform.lake import Publication
from jobs.platform.settings import Settings

_log = logging.getLogger(__name__)
_PATIENCE_S = 5.0


def emit(settings: Settings, table: str, publication: Publication) -> None:
    """Send the event of a publication. What goes wrong on the way is only logged: the rows are published all the same."""
    if not _configured():
        return
    from openlineage.client import OpenLineageClient  # takes half a second, and many a lake sends nothing

    from jobs.platform.lineage_event import lineage_event

    try:
        client = OpenLineageClient()
        client.emit(lineage_event(settings, table, publication))
        client.close(_PATIENCE_S)
    except Exception as error:  # each transport has errors of its own
        _log.warning("%s: the lineage of %s could not be sent: %s", table, publication.day, error)


def _configured() -> bool:
    names = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG")
    files = (Path("openlineage.yml"), Path.home() / ".openlineage" / "openlineage.yml")
    by_name = any(name in names or name.startswith("OPENLINEAGE__TRANSPORT") for name in os.environ)
    return by_name or any(file.is_file() for file in files)
