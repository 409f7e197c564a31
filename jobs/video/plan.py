"""Splits the night's requests into shards, one for each task, and prints the shard files as a JSON list.

A shard file contains everything that its task needs: the generator and its version, the spec, and the requests. Planning a night
again gives the same files, so a task that was killed continues with the same shard.
"""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
REQUESTS_PER_SHARD = 4


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
    """Return the night's rows of gold.video_requests, ordered by rank.

    Raises:
        MissingInput: the night was not published.
    """
    if not context.lake.has_day(REQUESTS, context.date):
        raise MissingInput(REQUESTS, context.date, f"run python -m jobs.video.requests --date {context.date} first")
    rows = context.lake.arrow(REQUESTS).to_table(filter=pc.field("date") == pa.scalar(context.date))
    return list(rows.sort_by("rank").to_pylist())


def write_plan(
    videos: Location, date: dt.date, requests: Sequence[dict[str, Any]], generator: VideoGenerator
) -> list[Location]:
    """Write the night's shard files, remove other files of an earlier plan, and return the paths."""
    folder = plan_folder(videos, date)
    written = []
    version, spec = generator.version, asdict(generator.spec)
    for number, first in enumerate(range(0, len(requests), REQUESTS_PER_SHARD)):
        shard = requests[first : first + REQUESTS_PER_SHARD]
        path = folder / f"shard-{number:04d}.json"
        shard_requests = [{key: row[key] for key in ("request_id", "prompt", "seed")} for row in shard]
        plan = {"generator": generator.name, "generator_version": version, "spec": spec, "requests": shard_requests}
        durable.write_json(path, plan)
        written.append(path)
    for path in shards(videos, date):
        if path not in written:
            path.unlink()
    return written


def read_shard(path: Location) -> list[Request]:
    """Return the requests of a shard file.

    Raises:
        BadInput: the file is not a shard file.
    """
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        spec = VideoSpec(**plan["spec"])
        return [
            Request(
                str(request["request_id"]),
                Clip(str(request["prompt"]), int(request["seed"]), spec, plan["generator"], plan["generator_version"]),
            )
            for request in plan["requests"]
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{path} is not a shard of a plan ({error!r}); run python -m jobs.video.plan again") from error


def main(argv: Sequence[str] | None = None) -> None:
    """Plan the night; the last line of standard output is the JSON list of shard files."""
    # This import loads torch, which takes seconds and is not needed to read a shard.
    from jobs.video.generators import generator_for

    with run_job(argv, __doc__) as context:
        requests = read_requests(context)
        plan = write_plan(context.settings.videos, context.date, requests, generator_for(context))
        print(json.dumps([str(path) for path in plan]))


if __name__ == "__main__":
    main()
