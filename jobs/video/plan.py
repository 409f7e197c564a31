"""Splits the clips of the night's requests into shards, one for each task, and prints the shard files as a JSON list.

A shard file contains everything that its task needs: the generator and its version, and clips, each with its spec and the
requests that it serves. Equal requests share a clip, so no two shards generate the same one. Planning a night again gives the
same files, so a task that was killed continues with the same shard.

If several generators are named, this is an A/B test: of the night's own requests each challenger gets CHALLENGER_SHARE, chosen by
a hash of the request, and the champion all others and those of users. `jobs.video.promote` compares what viewers do.
"""

import datetime as dt
import hashlib
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
CHAMPION, CHALLENGER = "champion", "challenger"
CHALLENGER_SHARE = 0.1
MOST_SHARDS = 1_000
"""Of a night. Airflow refuses more than 1,024 tasks for one list, so a night with many requests has longer shards."""


@dataclass(frozen=True)
class Request:
    """A request and its clip."""

    request_id: str
    clip: Clip
    arm: str
    """CHAMPION or CHALLENGER."""


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


def arm_of(request: Mapping[str, Any], challengers: int) -> int:
    """Return which generator makes a request: 0 for the champion, n for the n-th challenger."""
    if request.get("user_id") is not None:
        return 0
    digest = hashlib.sha256(f"{request['request_id']}/arm".encode()).digest()
    place = int(int.from_bytes(digest[:8], "big") / 2**64 / CHALLENGER_SHARE)
    return place + 1 if place < challengers else 0


def write_plan(
    videos: Location,
    date: dt.date,
    requests: Sequence[dict[str, Any]],
    generator: VideoGenerator,
    label: bool = False,
    challengers: Sequence[VideoGenerator] = (),
) -> list[Location]:
    """Write the shard files of the requests that are not refused, remove other files of an earlier plan, and return the paths.

    Args:
        videos: the folder of videos.
        date: the night.
        requests: its rows of gold.video_requests.
        generator: the champion.
        label: True to write "AI" on the clips.
        challengers: generators to compare with the champion.
    """
    described = [(each.name, each.version, each.spec) for each in (generator, *challengers)]
    requests_of: list[dict[Clip, list[str]]] = [{} for _ in described]
    for row in requests:
        if row.get("refusal") is None:
            arm = arm_of(row, len(challengers))
            name, version, default = described[arm]
            clip = Clip(row["prompt"], row["seed"], _spec(row, default), name, version, label)
            requests_of[arm].setdefault(clip, []).append(row["request_id"])
    written: list[Location] = []
    length = max(CLIPS_PER_SHARD, -(-sum(map(len, requests_of)) // MOST_SHARDS))
    for number, ((name, version, _), of_arm) in enumerate(zip(described, requests_of, strict=True)):
        clips = [
            {"prompt": clip.prompt, "seed": clip.seed, "spec": asdict(clip.spec), "requests": served}
            for clip, served in of_arm.items()
        ]
        for first in range(0, len(clips), length):
            path = plan_folder(videos, date) / f"shard-{len(written):04d}.json"
            shard = {
                "generator": name,
                "generator_version": version,
                "label": label,
                "arm": CHALLENGER if number else CHAMPION,
            }
            durable.write_json(path, {**shard, "clips": clips[first : first + length]})
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
        arm = str(plan.get("arm", CHAMPION))
        return [
            Request(str(request_id), Clip(str(clip["prompt"]), int(clip["seed"]), VideoSpec(**clip["spec"]), *by), arm)
            for clip in plan["clips"]
            for request_id in clip["requests"]
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{path} is not a shard of a plan ({error!r}); run python -m jobs.video.plan again") from error


def planned_requests(context: JobContext) -> list[tuple[dict[str, Any], Clip]]:
    """Return the night's requests that are not refused, ordered by rank, each with its clip. They have an `arm` now.

    Raises:
        MissingInput: the night was not published.
        BadInput: the plan does not match the requests.
    """
    planned = {r.request_id: r for shard in shards(context.settings.videos, context.date) for r in read_shard(shard)}
    accepted = [request for request in read_requests(context) if request.get("refusal") is None]
    if planned.keys() != {request["request_id"] for request in accepted}:
        raise BadInput(
            f"the plan of {context.date} does not match its requests; run python -m jobs.video.plan --date {context.date}"
        )
    plans = [planned[request["request_id"]] for request in accepted]
    return [({**request, "arm": plan.arm}, plan.clip) for request, plan in zip(accepted, plans, strict=True)]


def main(argv: Sequence[str] | None = None) -> None:
    """Plan the night; the last line of standard output is the JSON list of shard files."""
    # This import loads torch, which takes seconds and is not needed to read a shard.
    from jobs.video.generators import generator_for, named, serving

    with run_job(argv, __doc__) as context:
        requests = read_requests(context)
        champion = serving(context)
        names = sorted(named(context.settings), key=lambda name: name != champion)
        generator, *challengers = (generator_for(context, name) for name in names)
        folder, label = context.settings.videos, context.settings.video_label
        plan = write_plan(folder, context.date, requests, generator, label, challengers)
        print(json.dumps([str(path) for path in plan]))


if __name__ == "__main__":
    main()
