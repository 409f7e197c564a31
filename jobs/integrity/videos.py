"""Compares the generated videos with their metadata, their manifests and gold.generated_videos, for `make verify`.

Every byte of an mp4 counts: the digest at its end covers all bytes before it, and the manifest's signature says that we wrote it.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.storage import Location, files_below
from jobs.platform import lake
from jobs.platform.lake.verify import Damage
from jobs.platform.settings import Settings
from jobs.video import boxes, manifest
from jobs.video.certificate import Credentials, credentials
from jobs.video.mp4 import BrokenVideo

TABLE = "gold.generated_videos"

_MADE = "made"


@dataclass
class Verified:
    """What is wrong with the videos, and what else is worth knowing."""

    damaged: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify_videos(settings: Settings, day: dt.date | None = None) -> Verified:
    """Read the videos of a day, or all videos, those of `make video` included.

    Rows of a table that cannot be read are left out, because `verify` lists its damage.
    """
    expected = _rows(settings, day)
    paths = {str(row["path"]): row for row in expected}
    if day is None:
        paths |= {path: {} for path in _made(settings.videos) if path not in paths}
    found, notes = Verified(), Counter[str]()
    signer = credentials(settings) if paths else None
    for path, row in sorted(paths.items()):
        assert signer is not None
        try:
            notes.update(_check(settings.videos, path, row, signer))
        except BrokenVideo as error:
            found.damaged.append(Damage(TABLE if row else "videos", row.get("date"), f"{path}: {error}"))
    found.notes = [f"{count} clips {note}" for note, count in sorted(notes.items())]
    return found


def _rows(settings: Settings, day: dt.date | None) -> list[dict[str, Any]]:
    """Return the rows of made videos."""
    version = lake.version(settings.uri(TABLE))
    if version is None:
        return []
    try:
        rows = lake.arrow(settings.uri(TABLE), version).to_table().to_pylist()
    except OSError:  # a file is gone or damaged
        return []
    # Rows of older nights have no outcome.
    return [row for row in rows if (row.get("outcome") or _MADE) == _MADE and day in (None, row["date"])]


def _made(videos: Location) -> Iterator[str]:
    """Yield the paths of the clips on the disk or in the store, relative to the folder of videos."""
    for path in files_below(videos / "clips"):
        if path.suffix == ".mp4" and not path.name.startswith("."):
            yield f"clips/{path.parent.name}/{path.name}"


def _check(videos: Location, path: str, row: Mapping[str, Any], signer: Credentials) -> Iterator[str]:
    """Yield notes about an undamaged clip.

    Raises:
        BrokenVideo: a file is missing or damaged.
    """
    try:
        video = (videos / path).read_bytes()
        facts = json.loads((videos / path).with_suffix(".json").read_text(encoding="utf-8"))
        sha256, is_signed = facts["sha256"], "code" in facts
    except FileNotFoundError as error:
        raise BrokenVideo(
            f"{'the video' if str(error.filename or error).endswith('.mp4') else 'its metadata'} is missing"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenVideo(f"its metadata cannot be read ({error!r})") from error
    encoded = boxes.sha256_of_encoded(video, "the video")
    if encoded != sha256 or encoded != row.get("sha256", encoded):
        raise BrokenVideo("the video differs from what was published")
    if not is_signed and not boxes.has_manifest(video):
        yield "were made before clips had manifests"
        return
    boxes.check_digest(video, "the video")
    said = manifest.read(video, signer)
    if said is None:
        raise BrokenVideo("its manifest is gone")
    if not said.is_ours:
        yield f"are signed by {said.signer}, which is no certificate of this lake"
    if said.claim is None:
        raise BrokenVideo("its manifest is not of a clip")
    name = path.rpartition("/")[2].removesuffix(".mp4")
    claimed = (said.claim.clip, said.claim.prompt_sha256, said.claim.seed, said.claim.generator_version)
    if claimed != (name, manifest.prompt_sha256(facts["prompt"]), facts["seed"], facts["generator_version"]):
        raise BrokenVideo("its manifest differs from its metadata")
