"""The lake's identity: the fingerprint of its pseudonym key and the version of its erasure list, never the key or list itself.

They are properties of a Delta table without rows, `_nightreel`. Delta creates each version of a table only once, on a disk and on
an object store alike, so if two machines write different values at once, one is rejected. If the table is removed, the lake takes
the key and the list of the next job that writes.
"""

import re
from contextlib import suppress
from dataclasses import dataclass

import pyarrow.fs as pafs
from deltalake import CommitProperties, DeltaTable, Field, Schema
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.schema import PrimitiveType

from infra import durable
from jobs.platform.errors import UsageError
from jobs.platform.lake import log_backup
from jobs.platform.lake.files import STORE_OPTIONS, filesystem, open_table
from jobs.platform.settings import Settings

_KEY, _ERASURE_LIST = "nightreel.pseudonym_key", "nightreel.erasure_list"
_FORMS = {_KEY: "[0-9a-f]{16}", _ERASURE_LIST: "[0-9]+-[0-9a-f]{32}"}
_NO_ROWS = Schema([Field("nothing", PrimitiveType("string"))])
"""Delta requires at least one column."""


@dataclass(frozen=True)
class Identity:
    """The values to compare with a machine's key and list."""

    key: str
    """The key's fingerprint, see `pseudonym.fingerprint`."""
    erasure_list: str
    """The list's version, see `erasure.version`."""


def read(settings: Settings) -> Identity | None:
    """Return the lake's identity; None if it has none yet.

    Raises:
        UsageError: the identity is damaged.
    """
    if (table := durable.local(_uri(settings))) is not None and log_backup.find_damage(table):
        log_backup.restore(table)  # damage by a power cut
    try:
        return _identity(open_table(_uri(settings)))
    except TableNotFoundError:
        return None
    except DeltaError as error:
        raise _damaged(settings, str(error).splitlines()[0]) from error
    except ValueError as error:
        raise _damaged(settings, str(error)) from error


def create(settings: Settings, identity: Identity) -> None:
    """Write the identity of a lake that has none. If two processes do so at once, one succeeds."""
    try:
        DeltaTable.create(
            _uri(settings),
            _NO_ROWS,
            configuration=_properties(identity),
            raise_if_key_not_exists=False,
            storage_options=STORE_OPTIONS,
            commit_properties=CommitProperties(max_commit_retries=0),  # a retry would replace the other's table
        )
    except (CommitFailedError, DeltaError):
        if read(settings) is None:
            raise
    log_backup.write(_uri(settings), 0)


def update(settings: Settings, before: Identity, after: Identity) -> None:
    """Replace `before` with `after`; do nothing if another process has replaced it meanwhile."""
    table = open_table(_uri(settings))
    if _identity(table) != before:
        return
    with suppress(CommitFailedError):  # another process was first
        table.alter.set_table_properties(
            _properties(after), raise_if_not_exists=False, post_commithook_properties=log_backup.NO_HOOKS
        )
    log_backup.write(_uri(settings), open_table(_uri(settings)).version())


def has_tables(settings: Settings) -> bool:
    """True if the lake has any Delta table."""
    store, root = filesystem(settings.lake)
    logs = [f"{table}/_delta_log" for layer in _folders(store, root) for table in _folders(store, layer)]
    return any(info.type != pafs.FileType.NotFound for info in store.get_file_info(logs))


def _folders(store: pafs.FileSystem, path: str) -> list[str]:
    selector = pafs.FileSelector(path, allow_not_found=True)
    try:
        infos = store.get_file_info(selector)
    except FileNotFoundError:  # Arrow looks twice, and another process created the folder in between
        infos = store.get_file_info(selector)
    return [info.path for info in infos if info.type == pafs.FileType.Directory]


def _uri(settings: Settings) -> str:
    return f"{settings.lake}/_nightreel"


def _identity(table: DeltaTable) -> Identity:
    properties = table.metadata().configuration
    for name, form in _FORMS.items():
        if not re.fullmatch(form, properties.get(name, "")):
            raise ValueError(f"{name} is {properties.get(name)!r}")
    return Identity(properties[_KEY], properties[_ERASURE_LIST])


def _properties(identity: Identity) -> dict[str, str]:
    return {_KEY: identity.key, _ERASURE_LIST: identity.erasure_list}


def _damaged(settings: Settings, why: str) -> UsageError:
    return UsageError(
        f"the lake's identity {_uri(settings)} is damaged ({why}); restore it from a backup. If this machine certainly has the "
        "lake's pseudonym key and erasure list, you can move it away instead: the next job that writes creates it again"
    )
