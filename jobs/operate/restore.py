"""Puts back what `make verify` finds damaged: `make restore`.

A commit is put back from its receipt, a damaged checkpoint is taken away, a table that somebody gave another shape gets back its
own, and a day with damaged files, or with rows that somebody changed, goes back to its last publication whose files are all
sound. Each of these is a new commit: what others wrote stays in the older versions. A day whose rows were only laid anew
(OPTIMIZE) is left alone. A day of which there is no sound publication is named: its night has to be run again.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import DeltaError

from infra import durable
from jobs.operate.foreign_commits import reshaping
from jobs.operate.verify import chosen, damaged_files, files_of_days, verify
from jobs.platform import publish, receipts, staging
from jobs.platform.command import command
from jobs.platform.errors import BadInput
from jobs.platform.night import code_version, run_id
from jobs.platform.publications import OURS, Publication, publications
from jobs.platform.settings import Settings, settings
from schemas.contract import contract


def restore(settings: Settings, table: str) -> Iterator[str]:
    """Put a table back in order; says what was done, a line for each.

    Raises:
        BadInput: a day is damaged and no earlier publication of it is sound, or the log cannot be put back.
    """
    uri = settings.uri(table)
    if where := durable.local(uri):
        yield from receipts.restore(where)
    if reshaped := _shape(uri, table):
        yield reshaped
    lost = []
    damaged = list(verify(settings, table))
    for damage in damaged:
        if damage.day is None:
            raise BadInput(f"{damage}; it cannot be put back from what is here")
    for day in sorted({damage.day for damage in damaged if damage.day}):
        seen = publish.token(uri, day)  # a night that publishes the day from now on wins over this
        of_day = [p for p in publications(DeltaTable(uri)) if p.day == day]
        if not of_day or of_day[0].dropped:
            publish.drop(uri, contract(table), day, seen, {"run": run_id(), "code": code_version()})
            yield f"{table} {day}: taken out, since {'its retention is over' if of_day else 'nobody published it'}"
            continue
        sound = next((p for p in of_day if not p.dropped and _is_sound(uri, table, p)), None)
        if sound is None:
            lost.append(str(day))
            continue
        _publish_again(uri, table, sound, seen)
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
    reshaped = reshaping(current, uri, contract(table))
    if reshaped is None:
        return None
    try:
        current.restore(
            reshaped.version - 1,
            ignore_missing_files=True,
            protocol_downgrade_allowed=True,
            commit_properties=CommitProperties(custom_metadata=OURS.custom_metadata, max_commit_retries=0),
            post_commithook_properties=receipts.NO_HOOKS,
        )
    except DeltaError as error:
        raise BadInput(f"{table}: cannot be brought back to its shape before {reshaped}: {error}") from error
    receipts.write(uri, DeltaTable(uri).version())
    return f"{table}: back to its shape before {reshaped}"


def _published_files(uri: str, table: str, publication: Publication) -> tuple[staging.DataFile, ...]:
    """The files that were published, as the table's log had them then."""
    then = DeltaTable(uri, version=publication.version)
    files = files_of_days(then, contract(table))[publication.day]
    return tuple(replace(file, sha256=publication.files[file.path]) for file in files)


def _is_sound(uri: str, table: str, publication: Publication) -> bool:
    return not damaged_files(uri, [(file, file.sha256) for file in _published_files(uri, table, publication)])


def _publish_again(uri: str, table: str, sound: Publication, seen: int) -> None:
    files = _published_files(uri, table, sound)
    staged = staging.Staged(f"{sound.attempt}-restored", sound.day, sound.rows, sound.content, files)
    made_by = {**sound.made_by, "restored": sound.version, "run": run_id(), "code": code_version()}
    publish.commit(uri, contract(table), staged, seen, made_by)


def main(argv: Sequence[str] | None = None) -> None:
    """Restore one table or all."""
    failed = False
    with command(argv, __doc__, _arguments) as args:
        for table in chosen(args.table):
            try:
                for line in restore(settings(), table):
                    print(line, flush=True)
            except BadInput as error:
                print(f"error: {error}", file=sys.stderr)
                failed = True  # the other tables are restored all the same
    if failed:
        raise SystemExit(BadInput.exit_code)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", default="", help="layer and name; all unless given")


if __name__ == "__main__":
    main()
