"""Traces a video file back to how it was made: `make trace FILE=stray.mp4`.

A file as it was made is recognised by its manifest. One that was encoded again or cropped has lost it, and is recognised by
the mark in its frames. A clip that was made before clips had either is recognised by its digest. Printed are the prompt, the
generator's version and its MLflow run, the run and code that made the clip, the requests that it serves, and the tables that
these and the model were made from. Texts of users are personal: of their requests only the ids are printed.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from jobs.platform import lake
from jobs.platform.command import command
from jobs.platform.errors import BadInput, UsageError
from jobs.platform.settings import Settings, settings
from jobs.query.explain import draw
from jobs.query.provenance import model_provenance, provenance
from jobs.video import manifest, mark, mp4
from jobs.video.certificate import credentials
from jobs.video.plan import REQUESTS

_VIDEOS = "gold.generated_videos"
_PERSONAL = ("prompt", "user_id")


@dataclass(frozen=True)
class Recognised:
    """What a file says of itself."""

    clip: str
    """The clip's name, or its first digits."""
    by: str
    """How the clip was recognised, in words."""
    claim: manifest.Claim | None = None


def trace(settings: Settings, path: Path) -> Iterator[str]:
    """Yield the lines of the answer.

    Raises:
        UsageError: there is no such file, or it is no video.
        BadInput: the file is not recognised, or nothing is left of its clip.
    """
    notes: list[str] = []
    found = recognise(settings, path, notes)
    yield from notes
    if found is None:
        raise BadInput(
            f"{path} has no manifest of ours and no readable mark: it was not made here, or was changed too much (a mark does "
            "not survive another size, a rotation or a mirror)"
        )
    yield f"recognised by {found.by}"
    rows = _rows(settings, _VIDEOS, pc.starts_with(ds.field("video_name"), found.clip))
    facts = _facts(settings, found.clip)
    names = sorted({*facts, *(row["video_name"] for row in rows)})
    if found.claim is not None:
        yield from _said(found.claim)
    if not names:
        raise BadInput(
            f"nothing is left of the clip {found.clip}: its user was erased, its night is past the retention, or it was made "
            f"with another lake than {settings.lake}"
        )
    for name in names:
        yield from _clip(settings, name, facts.get(name), [row for row in rows if row["video_name"] == name])


def recognise(settings: Settings, path: Path, notes: list[str]) -> Recognised | None:
    """Return which clip a file is of; None if that cannot be told.

    Args:
        settings: the location of the lake.
        path: the file.
        notes: gets a line for each way that failed.

    Raises:
        UsageError: there is no such file, or it is no video.
    """
    try:
        video = path.read_bytes()
        next(mp4.read_luma(path, 1))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); give a video: make trace FILE=stray.mp4"
        ) from error
    except (mp4.BrokenVideo, StopIteration) as error:
        raise UsageError(f"{path} is no video that can be decoded ({error})") from error
    try:
        said = manifest.read(video, credentials(settings))
    except mp4.BrokenVideo as error:
        notes.append(f"its manifest is of no use: {error}")
    else:
        if said is not None and said.is_ours and said.claim is not None:
            return Recognised(said.claim.clip, f"its manifest, signed by {said.signer}", said.claim)
        notes.append(
            "it has no manifest"
            if said is None
            else f"its manifest is signed by {said.signer}, which is no certificate of this lake"
        )
    try:
        digits = mark.detect(mp4.read_luma(path, mark.MOST_FRAMES))
    except mp4.BrokenVideo as error:
        raise UsageError(f"{path} is damaged: {error}") from error
    if digits is not None:
        return Recognised(digits, f"the mark in its frames, {digits}")
    rows = _rows(settings, _VIDEOS, ds.field("sha256") == hashlib.sha256(video).hexdigest())
    return Recognised(rows[0]["video_name"], "the digest of the file") if rows else None


def _said(claim: manifest.Claim) -> Iterator[str]:
    yield f"its manifest says: made by AI, generator {claim.generator} {claim.generator_version}, seed {claim.seed}"
    yield f"made by run {claim.run}, code {claim.code}, from a prompt with SHA-256 {claim.prompt_sha256}"


def _clip(
    settings: Settings, name: str, facts: Mapping[str, Any] | None, rows: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield what the lake and the folder of videos know of a clip."""
    known = facts or rows[0]
    yield f"clip {name}"
    if is_of_user(settings, known["prompt"]):
        yield "prompt: the text of a user, which is personal; the app knows it by the requests below"
    else:
        yield f"prompt: {known['prompt']}"
    yield f"generator {known['generator']}, version {known['generator_version']}, seed {known['seed']}"
    if facts is None:
        yield "its files are gone"
    elif "code" in facts:
        yield f"made by run {facts['run']}, code {facts['code']}"
    else:
        yield "made before clips had manifests, so only the tables say by which run"
    newest_first = sorted(rows, key=lambda row: (row["date"], row["request_id"]), reverse=True)
    for row in newest_first:
        yield f"request {row['request_id']} of {row['date']}{', by a user' if row.get('user_id') else ''}"
    if not newest_first:
        yield "no request of a night: made by make video, or its night has not published it"
        yield from draw(model_provenance(settings, known["generator_version"]))
        return
    shown = {column: value for column, value in newest_first[0].items() if column not in _PERSONAL}
    yield from draw(provenance(settings, _VIDEOS, shown))


def is_of_user(settings: Settings, prompt: str) -> bool:
    """True if a user has asked for this prompt."""
    rows = (row for table in (REQUESTS, _VIDEOS) for row in _rows(settings, table, ds.field("prompt") == prompt))
    return any(row.get("user_id") is not None for row in rows)


def _rows(settings: Settings, table: str, matching: ds.Expression) -> list[dict[str, Any]]:
    """Return the matching rows of a table; none if the lake does not have it."""
    version = lake.version(settings.uri(table))
    if version is None:
        return []
    batches = lake.arrow(settings.uri(table), version).to_batches()
    return [row for batch in batches for row in pa.Table.from_batches([batch]).filter(matching).to_pylist()]


def _facts(settings: Settings, clip: str) -> dict[str, dict[str, Any]]:
    """Return the metadata of the clips whose names start with these digits, by name."""
    found = {}
    for path in (settings.videos / "clips" / clip[:2]).glob(f"{clip}*.json"):
        if not path.name.endswith(".failed.json"):
            found[path.stem] = dict(json.loads(path.read_text(encoding="utf-8")))
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Print where a file comes from."""
    with command(argv, __doc__, _arguments) as args:
        for line in trace(settings(), args.file):
            print(line, flush=True)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", type=Path, required=True, help="a video, as it was made or changed since")


if __name__ == "__main__":
    main()
