"""Erases the clips of erased users: videos, their metadata and recorded errors, and the plans that contain their texts.

A clip belongs to everyone who asked for its prompt. It stays if another user or the night itself asked for it too.
"""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from infra.storage import Location, files_below
from jobs.platform import erasure, lake
from jobs.platform.settings import Settings
from jobs.video.plan import REQUESTS, shards
from schemas.contract import load_contract


def erase_clips(settings: Settings) -> Iterator[str]:
    """Delete the clips that only erased users asked for. Yields a line if there were any.

    It must run before the rows of the requests are erased, which tell whose the prompts are.
    """
    requests = _requests_of_users(settings)
    is_erased = _is_erased(settings, requests)
    erased, others = requests.filter(is_erased), requests.filter(pc.invert(is_erased))
    for date in pc.unique(erased["date"]).to_pylist():
        for shard in shards(settings.videos, date):
            shard.unlink(missing_ok=True)
    prompts = {*erased["prompt"].to_pylist()} - {*others["prompt"].to_pylist()}
    found = files_below(settings.videos / "clips") if prompts else ()
    clips = [path for path in found if _prompt_of(path) in prompts]
    for sidecar in clips:
        sidecar.with_name(f"{sidecar.name.partition('.')[0]}.mp4").unlink(missing_ok=True)
        sidecar.unlink(missing_ok=True)
    if clips:
        yield f"{len(clips)} clips deleted"


def _requests_of_users(settings: Settings) -> pa.Table:
    """Return date, prompt and user of all requests; no rows if the table has none of users."""
    columns = ["date", "prompt", "user_id"]
    at_version = lake.version(settings.uri(REQUESTS))
    if at_version is not None:
        requests = lake.arrow(settings.uri(REQUESTS), at_version)
        if "user_id" in requests.schema.names:
            return requests.to_table(columns=columns)
    return load_contract(REQUESTS).arrow_schema().empty_table().select(columns)


def _is_erased(settings: Settings, requests: pa.Table) -> pa.Array:
    erased = erasure.read(settings)
    return pa.array([owner in erased for owner in erasure.owner_digests([requests["user_id"]])], pa.bool_())


def _prompt_of(path: Location) -> Any:
    """Return the prompt of a clip from its metadata or its recorded error; None for other files."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))["prompt"] if path.suffix == ".json" else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
