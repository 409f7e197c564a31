"""Removes files of a table that nobody needs."""

import logging
from collections.abc import Iterable

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from jobs.platform.lake import log_backup
from jobs.platform.lake.history import OURS

_log = logging.getLogger(__name__)

# Longer than any reader holds on to a version, and time enough to notice a bad commit and go back before it.
_KEEP_HOURS = 7 * 24


def vacuum(uri: str, kept: Iterable[int]) -> int:
    """Remove files that neither the current nor a kept version has and that left the table over a week ago; how many."""
    # By deltalake, since Spark's VACUUM cannot keep single versions. Its commits add and remove no file: no writer conflicts.
    table = DeltaTable(uri)
    readable = [version for version in sorted(kept) if _is_readable(uri, version)]
    useless = table.vacuum(_KEEP_HOURS, full=True, keep_versions=readable)
    if useless:
        table.vacuum(
            _KEEP_HOURS,
            full=True,
            keep_versions=readable,
            dry_run=False,
            commit_properties=OURS,
            post_commithook_properties=log_backup.NO_HOOKS,
        )
        log_backup.write(uri, DeltaTable(uri).version())
    return len(useless)


def _is_readable(uri: str, version: int) -> bool:
    try:
        DeltaTable(uri, version=version)
    except DeltaError as error:
        _log.warning(
            "version %d of %s, which a live model was trained on, can no longer be read: %s", version, uri, error
        )
        return False
    return True
