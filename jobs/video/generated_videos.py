"""gold.generated_videos: the manifest of the night's videos, and their contact sheet.

Only videos that decode have a row. A request whose prompt failed has no row and is logged. If a request has neither a video nor a
recorded error, a shard is not finished, and nothing is written. A night without requests has no rows and no contact sheet.
"""

import json
import logging
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from infra.storage import Location
from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.video import mp4
from jobs.video.clip import Clip
from jobs.video.contact_sheet import Strip, write_contact_sheet
from jobs.video.plan import read_requests, read_shard, shards
from jobs.video.prompts import english_prompt
from schemas.contract import load_contract

TABLE = "gold.generated_videos"

_log = logging.getLogger(__name__)


def manifest(context: JobContext) -> pa.Table:
    """Return the rows of the night, ordered by rank of the request.

    Raises:
        MissingInput: the night was not requested, or a request has neither a video nor a recorded error.
        BadInput: the plan does not match the requests, or no request succeeded.
    """
    videos = context.settings.videos
    requests = read_requests(context)
    planned = {r.request_id: r.clip for shard in shards(videos, context.date) for r in read_shard(shard)}
    if planned.keys() != {row["request_id"] for row in requests}:
        raise BadInput(
            f"the plan of {context.date} does not match its requests; run python -m jobs.video.plan --date {context.date}"
        )
    rows, missing = [], []
    for request in requests:
        clip = planned[request["request_id"]]
        try:
            rows.append(_row(context, request["request_id"], clip, clip.facts(videos)))
        except (FileNotFoundError, mp4.BrokenVideo) as error:
            if isinstance(error, FileNotFoundError) and (videos / clip.failure).is_file():
                failure = json.loads((videos / clip.failure).read_text(encoding="utf-8"))
                _log.warning("no video for %r: %s", clip.prompt, failure["error"])
            else:
                missing.append(f"{clip.path} ({error})" if isinstance(error, mp4.BrokenVideo) else str(clip.path))
    if missing:
        raise MissingInput(
            f"{len(missing)} of the {len(requests)} videos of {context.date} in {videos}, first {missing[0]}",
            hint="run the shards of the plan again",
        )
    if requests and not rows:
        raise BadInput(f"all {len(requests)} prompts of {context.date} failed; see the warnings above")
    return pa.Table.from_pylist(rows, schema=load_contract(TABLE).arrow_schema())


def _row(context: JobContext, request_id: str, clip: Clip, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "date": context.date, "request_id": request_id, "video_name": clip.name, "prompt": clip.prompt,
        "generator": clip.generator, "generator_version": clip.generator_version, "seed": clip.seed,
        "width": clip.spec.width, "height": clip.spec.height, "frames": clip.spec.frames, "fps": clip.spec.fps,
        "path": str(clip.path), "sha256": facts["sha256"], "checks": facts["checks"], "seconds": float(facts["seconds"]),
    }  # fmt: skip


def contact_sheet_path(videos: Location, date: object) -> Location:
    """Return the path of the night's contact sheet."""
    return videos / "contact_sheets" / f"{date}.png"


def _draw_contact_sheet(context: JobContext, rows: pa.Table) -> None:
    sheet = contact_sheet_path(context.settings.videos, context.date)
    if not rows.num_rows:
        sheet.unlink(missing_ok=True)
        return
    strips = [
        Strip(
            mp4.read_mp4(context.settings.videos / row["path"]),
            row["prompt"],
            english_prompt(row["prompt"]) or _ascii_label(row),
        )
        for row in rows.to_pylist()
    ]
    write_contact_sheet(sheet, f"Nightreel {context.date}", strips)
    _log.info("contact sheet %s", sheet)


def _ascii_label(row: dict[str, Any]) -> str:
    return row["prompt"] if row["prompt"].isascii() else f"request {row['request_id']}"


def main(argv: Sequence[str] | None = None) -> None:
    """Write the manifest and the contact sheet."""
    with run_job(argv, __doc__, writes=TABLE) as context:
        rows = manifest(context)
        _draw_contact_sheet(context, rows)
        versions = set(rows["generator_version"].to_pylist())
        context.lake.write(rows, model=versions.pop() if versions else None)
        _log.info("%d videos", rows.num_rows)


if __name__ == "__main__":
    main()
