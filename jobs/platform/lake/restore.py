"""Puts a table back in order that `verify` finds damaged: its log, its shape, and its days, each by a new commit."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import DeltaError

from infra import durable
from jobs.platform.errors import BadInput
from jobs.platform.lake import commit, log_backup
from jobs.platform.lake.files import DataFile, files_of
from jobs.platform.lake.foreign_commits import reshaping
from jobs.platform.lake.history import OURS, Publication, publications
from jobs.platform.lake.stage import Staged
from jobs.platform.lake.verify import damaged_files, verify
from jobs.platform.settings import Settings
from schemas.contract import load_contract


def restore(settings: Settings, table: str, by: Mapping[str, str]) -> Iterator[str]:
    """Put a table back in order; says what was done, a line for each.

    Args:
        settings: which lake.
        table: layer and name.
        by: run and code that restore it, for its commits.

    Raises:
        BadInput: a day is damaged and no earlier publication of it is sound, or the log cannot be put back.
    """
    uri = settings.uri(table)
    if where := durable.local(uri):
        yield from log_backup.restore(where)
    if reshaped := _shape(uri, table):
        yield reshaped
    lost = []
    damaged = list(verify(settings, table))
    for damage in damaged:
        if damage.day is None:
            raise BadInput(f"{damage}; it cannot be put back from what is here")
    for day in sorted({damage.day for damage in damaged if damage.day}):
        seen = commit.token(uri, day)  # a night that publishes the day from now on wins over this
        of_day = [p for p in publications(uri) if p.day == day]
        if not of_day or of_day[0].dropped:
            commit.drop(uri, load_contract(table), day, seen, by)
            yield f"{table} {day}: taken out, since {'its retention is over' if of_day else 'nobody published it'}"
            continue
        sound = next((p for p in of_day if not p.dropped and _is_sound(uri, table, p)), None)
        if sound is None:
            lost.append(str(day))
            continue
        _publish_again(uri, table, sound, seen, by)
        yield f"{table} {day}: back to what version {sound.version} published"
    if lost:
        raise BadInput(
            f"{table}: no sound copy is left of {', '.join(lost)}; run again: "
            f"make backfill FROM={lost[0]} TO={lost[-1]} SOURCE=landing"
        )


def _shape(uri: str, table: str) -> str | None:
    """Give the table back the schema, properties and protocol that it had before somebody else made it useless to the jobs.

    It goes back as a whole; the days that were published since are then put right like any other.
    """
    try:
        current = DeltaTable(uri)
    except DeltaError:
        return None  # which `verify` tells
    reshaped = reshaping(current, uri, load_contract(table))
    if reshaped is None:
        return None
    try:
        current.restore(
            reshaped.version - 1,
            ignore_missing_files=True,
            protocol_downgrade_allowed=True,
            commit_properties=CommitProperties(custom_metadata=OURS.custom_metadata, max_commit_retries=0),
            post_commithook_properties=log_backup.NO_HOOKS,
        )
    except DeltaError as error:
        raise BadInput(f"{table}: cannot be brought back to its shape before {reshaped}: {error}") from error
    log_backup.write(uri, DeltaTable(uri).version())
    return f"{table}: back to its shape before {reshaped}"


def _published_files(uri: str, table: str, publication: Publication) -> tuple[DataFile, ...]:
    """The files that were published, as the table's log had them then."""
    then = files_of(DeltaTable(uri, version=publication.version), load_contract(table))
    return tuple(replace(f, sha256=publication.files[f.path]) for f in then if f.day == publication.day)


def _is_sound(uri: str, table: str, publication: Publication) -> bool:
    return not damaged_files(uri, _published_files(uri, table, publication))


def _publish_again(uri: str, table: str, sound: Publication, seen: int, by: Mapping[str, str]) -> None:
    files = _published_files(uri, table, sound)
    staged = Staged(f"{sound.attempt}-restored", sound.day, sound.rows, sound.content, files)
    commit.commit(uri, load_contract(table), staged, seen, {**sound.made_by, "restored": sound.version, **by})
