"""Splits the clips of the night's requests into shards, one for each task, and prints the shard files as a JSON list.

A shard file contains everything that its task needs: the generator and its version, and clips, each with its spec and the
requests that it serves. Equal requests share a clip, so no two shards generate the same one. Planning a night again gives the
same files, so a task that was killed continues with the same shard.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from infra import durable
from infra.storage import Location
from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.video.clip import Clip
from models.video.generator import VideoGenerator, VideoSpec

REQUESTS = "gold.video_requests"
CLIPS_PER_SHARD = 4
MOST_SHARDS = 1_000
"""Of a night. Airflow refuses more than 1,024 tasks for one list, so a night with many requests has longer shards."""


@dataclass(frozen=True)
class Request:
    """A request and its clip."""

    request_id: str
    clip: Clip


def plan_folder(videos: Location, date: dt.date) -> Location:
    """Return the folder of the night's shard files."""
    return videos / "plans" / date.isoformat()


def shards(videos: Location, date: dt.date) -> list[Location]:
    """Return the night's shard files, in their order."""
    paths: list[Location] = sorted(plan_folder(videos, date).glob("shard-*.json"))
    return paths


def read_requests(context: JobContext) -> list[dict[str, Any]]:
    """Return the night's rows of gold.video_requests, ordered by rank, with the refused ones.

    Raises:
        MissingInput: the night was not published.
    """
    if not context.lake.has_day(REQUESTS, context.date):
        raise MissingInput(REQUESTS, context.date, f"run python -m jobs.video.requests --date {context.date} first")
    rows = context.lake.arrow(REQUESTS).to_table(filter=pc.field("date") == pa.scalar(context.date))
    return list(rows.sort_by("rank").to_pylist())


def write_plan(
    videos: Location,
    date: dt.date,
    requests: Sequence[dict[str, Any]],
    generator: VideoGenerator,
    label: bool = False,
) -> list[Location]:
    """Write the shard files of the requests that are not refused, remove other files of an earlier plan, and return the paths.

    With `label`, "AI" is written on the clips.
    """
    folder = plan_folder(videos, date)
    written = []
    default, version = generator.spec, generator.version
    requests_of: dict[Clip, list[str]] = {}
    for row in requests:
        if row.get("refusal") is None:
            clip = Clip(row["prompt"], row["seed"], _spec(row, default), generator.name, version, label)
            requests_of.setdefault(clip, []).append(row["request_id"])
    clips = [
        {"prompt": clip.prompt, "seed": clip.seed, "spec": asdict(clip.spec), "requests": served}
        for clip, served in requests_of.items()
    ]
    length = max(CLIPS_PER_SHARD, -(-len(clips) // MOST_SHARDS))
    for number, first in enumerate(range(0, len(clips), length)):
        path = folder / f"shard-{number:04d}.json"
        shard = clips[first : first + length]
        durable.write_json(
            path, {"generator": generator.name, "generator_version": version, "label": label, "clips": shard}
        )
        written.append(path)
    for path in shards(videos, date):
        if path not in written:
            path.unlink()
    return written


def _spec(request: Mapping[str, Any], default: VideoSpec) -> VideoSpec:
    """Return the size and length of a request; rows of older nights do not have these columns."""
    width, height, seconds = (request.get(name) for name in ("width", "height", "clip_seconds"))
    spec = replace(default, width=width or default.width, height=height or default.height)
    return replace(spec, frames=max(2, round(seconds * spec.fps))) if seconds else spec


def read_shard(path: Location) -> list[Request]:
    """Return the requests of a shard file.

    Raises:
        BadInput: the file is not a shard file.
    """
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        by = (plan["generator"], plan["generator_version"], bool(plan.get("label")))
        return [
            Request(str(request_id), Clip(str(clip["prompt"]), int(clip["seed"]), VideoSpec(**clip["spec"]), *by))
            for clip in plan["clips"]
            for request_id in clip["requests"]
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{path} is not a shard of a plan ({error!r}); run python -m jobs.video.plan again") from error


def planned_requests(context: JobContext) -> list[tuple[dict[str, Any], Clip]]:
    """Return the night's requests that are not refused, ordered by rank, each with its clip.

    Raises:
        MissingInput: the night was not published.
        BadInput: the plan does not match the requests.
    """
    planned = {
        r.request_id: r.clip for shard in shards(context.settings.videos, context.date) for r in read_shard(shard)
    }
    accepted = [request for request in read_requests(context) if request.get("refusal") is None]
    if planned.keys() != {request["request_id"] for request in accepted}:
        raise BadInput(
            f"the plan of {context.date} does not match its requests; run python -m jobs.video.plan --date {context.date}"
        )
    return [(request, planned[request["request_id"]]) for request in accepted]


def main(argv: Sequence[str] | None = None) -> None:
    """Plan the night; the last line of standard output is the JSON list of shard files."""
    # This import loads torch, which takes seconds and is not needed to read a shard.
    from jobs.video.generators import generator_for

    with run_job(argv, __doc__) as context:
        requests = read_requests(context)
        plan = write_plan(
            context.settings.videos, context.date, requests, generator_for(context), context.settings.video_label
        )
        print(json.dumps([str(path) for path in plan]))


if __name__ == "__main__":
    main()
