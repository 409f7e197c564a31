"""gold.generated_videos: what became of the night's requests that were not refused, and the contact sheet.

A request is made if its video exists and decodes, and has failed if an error of its clip is recorded. If it has neither, a
shard is not finished, and nothing is written. The contact sheet shows only the clips of the night's own requests, because the
texts of users are personal. A night without such clips has no contact sheet.
"""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from infra.storage import Location
from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.fingerprints import VIDEO_LABEL, fingerprint
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.video import mp4
from jobs.video.clip import Clip
from jobs.video.contact_sheet import Strip, write_contact_sheet
from jobs.video.plan import read_requests, read_shard, shards
from jobs.video.prompts import english_prompt
from schemas.contract import load_contract

TABLE = "gold.generated_videos"

MADE, FAILED = "made", "failed"

Outcome = Mapping[str, Any]

_log = logging.getLogger(__name__)


def manifest(context: JobContext) -> pa.Table:
    """Return the rows of the night: one for each request that was not refused, ordered by its rank.

    Raises:
        MissingInput: the night was not requested, or a request has neither a video nor a recorded error.
        BadInput: the plan does not match the requests, all of the night's own prompts failed, or a request has not exactly one
            outcome.
    """
    videos = context.settings.videos
    requests = read_requests(context)
    planned = {r.request_id: r.clip for shard in shards(videos, context.date) for r in read_shard(shard)}
    accepted = [request for request in requests if request.get("refusal") is None]
    if planned.keys() != {request["request_id"] for request in accepted}:
        raise BadInput(
            f"the plan of {context.date} does not match its requests; run python -m jobs.video.plan --date {context.date}"
        )
    rows, missing = [], []
    outcomes: dict[Clip, Outcome] = {}
    for request in accepted:
        clip = planned[request["request_id"]]
        try:
            if clip not in outcomes:  # equal requests share a clip, which is decoded once
                outcomes[clip] = _outcome(videos, clip)
        except (FileNotFoundError, mp4.BrokenVideo) as error:
            missing.append(f"{clip.path} ({error})" if isinstance(error, mp4.BrokenVideo) else str(clip.path))
        else:
            rows.append(_row(request, clip, outcomes[clip]))
    if missing:
        raise MissingInput(
            f"{len(missing)} of the {len(accepted)} videos of {context.date} in {videos}, first {missing[0]}",
            hint="run the shards of the plan again",
        )
    own = [row for row in rows if row["user_id"] is None]
    if own and all(row["outcome"] == FAILED for row in own):
        raise BadInput(f"all {len(own)} prompts of {context.date} failed, the first with {own[0]['failure']}")
    check_outcomes(requests, rows)
    return pa.Table.from_pylist(rows, schema=load_contract(TABLE).arrow_schema())


def check_outcomes(requests: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> None:
    """Check that every request is either refused or has exactly one row.

    Raises:
        BadInput: a request has no outcome or several, or a row belongs to no request.
    """
    refused = [request["request_id"] for request in requests if request.get("refusal") is not None]
    outcomes = Counter([*refused, *(row["request_id"] for row in rows)])
    if outcomes != Counter(dict.fromkeys((request["request_id"] for request in requests), 1)):
        raise BadInput(
            f"the outcomes of the night do not add up: {len(requests)} requests, but {len(refused)} refused + {len(rows)} made "
            "or failed; run the night's plan and shards again"
        )


def _outcome(videos: Location, clip: Clip) -> Outcome:
    """Return the columns that describe what became of a clip.

    Raises:
        FileNotFoundError: it has neither a video nor a recorded error.
        mp4.BrokenVideo: a file is damaged.
    """
    try:
        facts = clip.facts(videos)
    except FileNotFoundError:
        failure = json.loads((videos / clip.failure).read_text(encoding="utf-8"))["error"]
        return {"outcome": FAILED, "failure": failure, "sha256": "", "checks": [], "seconds": 0.0}
    return {"outcome": MADE, "failure": None, **{name: facts[name] for name in ("sha256", "checks", "seconds")}}


def _row(request: Mapping[str, Any], clip: Clip, outcome: Outcome) -> dict[str, Any]:
    return {
        "date": request["date"], "request_id": request["request_id"], "user_id": request.get("user_id"),
        "video_name": clip.name, "prompt": clip.prompt, "generator": clip.generator,
        "generator_version": clip.generator_version, "seed": clip.seed, "width": clip.spec.width,
        "height": clip.spec.height, "frames": clip.spec.frames, "fps": clip.spec.fps, "path": str(clip.path), **outcome,
    }  # fmt: skip


def contact_sheet_path(videos: Location, date: object) -> Location:
    """Return the path of the night's contact sheet."""
    return videos / "contact_sheets" / f"{date}.png"


def _draw_contact_sheet(context: JobContext, rows: pa.Table) -> None:
    sheet = contact_sheet_path(context.settings.videos, context.date)
    shown = [row for row in rows.to_pylist() if row["user_id"] is None and row["outcome"] == MADE]
    if not shown:
        sheet.unlink(missing_ok=True)
        return
    strips = [
        Strip(
            mp4.read_mp4(context.settings.videos / row["path"]),
            row["prompt"],
            english_prompt(row["prompt"]) or _ascii_label(row),
        )
        for row in shown
    ]
    write_contact_sheet(sheet, f"Nightreel {context.date}", strips)
    _log.info("contact sheet %s", sheet)


def _ascii_label(row: dict[str, Any]) -> str:
    return row["prompt"] if row["prompt"].isascii() else f"request {row['request_id']}"


def main(argv: Sequence[str] | None = None) -> None:
    """Write the outcomes and the contact sheet."""
    with run_job(argv, __doc__, writes=TABLE) as context:
        rows = manifest(context)
        _draw_contact_sheet(context, rows)
        versions = set(rows["generator_version"].to_pylist())
        context.lake.fingerprints[VIDEO_LABEL] = fingerprint(context.settings, VIDEO_LABEL)
        context.lake.write(rows, model=versions.pop() if versions else None)
        _log.info("%s", dict(Counter(rows["outcome"].to_pylist())))


if __name__ == "__main__":
    main()
