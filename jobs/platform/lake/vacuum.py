"""Deletes files of a table that are no longer needed."""

import logging
from collections.abc import Iterable

from deltalake.exceptions import DeltaError

from jobs.platform.lake import log_backup
from jobs.platform.lake.files import open_table
from jobs.platform.lake.history import OWN_COMMIT

_log = logging.getLogger(__name__)

# Longer than any reader uses a version, and long enough to notice a bad commit and revert it.
_KEEP_HOURS = 7 * 24


def vacuum(uri: str, kept: Iterable[int]) -> int:
    """Delete files that left the table over a week ago and belong neither to the current version nor to a kept one.

    Returns:
        The number of deleted files.
    """
    # With deltalake, because Spark's VACUUM cannot keep single versions. Its commits change no files, so they do not conflict.
    table = open_table(uri)
    readable = [version for version in sorted(kept) if _is_readable(uri, version)]
    unused = table.vacuum(_KEEP_HOURS, full=True, keep_versions=readable)
    if unused:
        table.vacuum(
            _KEEP_HOURS,
            full=True,
            keep_versions=readable,
            dry_run=False,
            commit_properties=OWN_COMMIT,
            post_commithook_properties=log_backup.NO_HOOKS,
        )
        log_backup.write(uri, open_table(uri).version())
    return len(unused)


def _is_readable(uri: str, version: int) -> bool:
    try:
        open_table(uri, version=version)
    except DeltaError as error:
        _log.warning(
            "version %d of %s, which a live model was trained on, can no longer be read: %s", version, uri, error
        )
        return False
    return True
