"""gold.generated_videos: the manifest of the night's videos, with a row only for a file that decodes, and their contact sheet.

A request whose prompt failed has no row and is named in the log. A request that was neither made nor found to fail means
that a shard has not finished: then nothing is written. A night that asked for nothing has no video and no contact sheet.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.video import mp4
from jobs.video.clip import Clip
from jobs.video.contact_sheet import Strip, write_contact_sheet
from jobs.video.plan import folder, read_shard, requests_of
from jobs.video.prompts import in_english
from schemas.contract import load_contract

TABLE = "gold.generated_videos"

_log = logging.getLogger(__name__)


def manifest(context: JobContext) -> pa.Table:
    """The rows of the night, by rank of the request.

    Raises:
        MissingInput: the night has no requests, or a request has neither a video nor a recorded failure.
        BadInput: the plan is not of these requests, or no request succeeded.
    """
    videos = context.settings.videos
    requests = requests_of(context)
    shards = sorted(folder(videos, context.date).glob("shard-*.json"))
    planned = {request.request_id: request.clip for shard in shards for request in read_shard(shard)}
    if planned.keys() != {row["request_id"] for row in requests}:
        raise BadInput(
            f"the plan of {context.date} is not of its requests; run python -m jobs.video.plan --date {context.date}"
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
        raise BadInput(f"every one of the {len(requests)} prompts of {context.date} failed; the warnings above say why")
    return pa.Table.from_pylist(rows, schema=load_contract(TABLE).arrow_schema())


def _row(context: JobContext, request_id: str, clip: Clip, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "date": context.date, "request_id": request_id, "video_name": clip.name, "prompt": clip.prompt,
        "generator": clip.generator, "generator_version": clip.generator_version, "seed": clip.seed,
        "width": clip.spec.width, "height": clip.spec.height, "frames": clip.spec.frames, "fps": clip.spec.fps,
        "path": str(clip.path), "sha256": facts["sha256"], "checks": facts["checks"], "seconds": float(facts["seconds"]),
    }  # fmt: skip


def contact_sheet_path(videos: Path, date: object) -> Path:
    """Where the night's contact sheet lies."""
    return videos / "contact_sheets" / f"{date}.png"


def _draw(context: JobContext, rows: pa.Table) -> None:
    sheet = contact_sheet_path(context.settings.videos, context.date)
    if not rows.num_rows:
        sheet.unlink(missing_ok=True)
        return
    strips = [
        Strip(
            mp4.read_mp4(context.settings.videos / row["path"]), row["prompt"], in_english(row["prompt"]) or _plain(row)
        )
        for row in rows.to_pylist()
    ]
    write_contact_sheet(sheet, f"Nightreel {context.date}", strips)
    _log.info("contact sheet %s", sheet)


def _plain(row: dict[str, Any]) -> str:
    return row["prompt"] if row["prompt"].isascii() else f"request {row['request_id']}"


def main(argv: Sequence[str] | None = None) -> None:
    """Writes the manifest and the contact sheet."""
    with run_job(argv, __doc__, writes=TABLE) as context:
        rows = manifest(context)
        _draw(context, rows)
        versions = set(rows["generator_version"].to_pylist())
        context.lake.write(rows, model=versions.pop() if versions else None)
        _log.info("%d videos", rows.num_rows)


if __name__ == "__main__":
    main()
