"""Repairs tables that `verify` finds damaged: the log, the schema, and the days, each day by a new commit."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from deltalake import CommitProperties
from deltalake.exceptions import DeltaError

from infra import durable
from jobs.platform.errors import BadInput
from jobs.platform.lake import commit, log_backup
from jobs.platform.lake.files import DataFile, files_of, open_table
from jobs.platform.lake.foreign_commits import incompatible_commit
from jobs.platform.lake.history import OWN_COMMIT, Publication, publications
from jobs.platform.lake.stage import Staged
from jobs.platform.lake.verify import damaged_files, verify
from jobs.platform.settings import Settings
from schemas.contract import load_contract


def restore(settings: Settings, table: str, by: Mapping[str, str]) -> Iterator[str]:
    """Repair a table, and yield a line for each thing done.

    Args:
        settings: the location of the lake.
        table: layer and name.
        by: the run and code that restore it, recorded in its commits.

    Raises:
        BadInput: a day is damaged and has no undamaged publication, or the log cannot be repaired.
    """
    uri = settings.uri(table)
    if folder := durable.local(uri):
        yield from log_backup.restore(folder)
    if schema_restored := _restore_schema(uri, table):
        yield schema_restored
    lost = []
    damaged = list(verify(settings, table))
    for damage in damaged:
        if damage.day is None:
            raise BadInput(f"{damage}; the backups here cannot repair it")
    for day in sorted({damage.day for damage in damaged if damage.day}):
        token = commit.token(uri, day)  # read first, so that a night that publishes the day meanwhile has priority
        of_day = [p for p in publications(uri) if p.day == day]
        if not of_day or of_day[0].dropped:
            commit.drop(uri, load_contract(table), day, token, by)
            yield f"{table} {day}: removed, because {'its retention has ended' if of_day else 'no job published it'}"
            continue
        intact = next((p for p in of_day if not p.dropped and _is_intact(uri, table, p)), None)
        if intact is None:
            lost.append(str(day))
            continue
        _publish_again(uri, table, intact, token, by)
        yield f"{table} {day}: restored as published in version {intact.version}"
    if lost:
        raise BadInput(
            f"{table}: no undamaged copy of {', '.join(lost)} is left; rerun: "
            f"make backfill FROM={lost[0]} TO={lost[-1]} SOURCE=landing"
        )


def _restore_schema(uri: str, table: str) -> str | None:
    """Restore the schema, properties and protocol from before a foreign commit that made the table unusable to the jobs.

    The whole table returns to that version; the days published since are then repaired like other damaged days.
    """
    try:
        current = open_table(uri)
    except DeltaError:
        return None  # `verify` reports it
    foreign = incompatible_commit(current, uri, load_contract(table))
    if foreign is None:
        return None
    try:
        current.restore(
            foreign.version - 1,
            ignore_missing_files=True,
            protocol_downgrade_allowed=True,
            commit_properties=CommitProperties(custom_metadata=OWN_COMMIT.custom_metadata, max_commit_retries=0),
            post_commithook_properties=log_backup.NO_HOOKS,
        )
    except DeltaError as error:
        raise BadInput(f"{table}: cannot restore its schema from before {foreign}: {error}") from error
    log_backup.write(uri, open_table(uri).version())
    return f"{table}: restored its schema from before {foreign}"


def _published_files(uri: str, table: str, publication: Publication) -> tuple[DataFile, ...]:
    """Return the files of a publication, from the log of its version."""
    files = files_of(open_table(uri, version=publication.version), load_contract(table))
    return tuple(replace(f, sha256=publication.files[f.path]) for f in files if f.day == publication.day)


def _is_intact(uri: str, table: str, publication: Publication) -> bool:
    return not damaged_files(uri, _published_files(uri, table, publication))


def _publish_again(uri: str, table: str, intact: Publication, token: int, by: Mapping[str, str]) -> None:
    files = _published_files(uri, table, intact)
    staged = Staged(f"{intact.attempt}-restored", intact.day, intact.rows, intact.content, files)
    commit.commit(uri, load_contract(table), staged, token, {**intact.made_by, "restored": intact.version, **by})
