"""gold.generated_videos: what became of the night's requests that were not refused, and the contact sheet.

A request is made if its video exists and decodes, and has failed if an error of its clip is recorded. It is refused if the
generator did not understand it. If it has none of these, a shard is not finished, and nothing is written. A doubtful video waits
until somebody decides about it (`jobs.video.review_queue`). The contact sheet shows only the clips of the night's own requests,
because the texts of users are personal. A night without such clips has no contact sheet.
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
from jobs.video.plan import planned_requests, read_requests
from jobs.video.prompts import english_prompt
from jobs.video.review_queue import APPROVED, doubts_about, read_queue
from schemas.contract import load_contract

TABLE = "gold.generated_videos"

MADE, FAILED, REFUSED, WAITING = "made", "failed", "refused", "waiting"

Outcome = Mapping[str, Any]

_log = logging.getLogger(__name__)


def manifest(context: JobContext) -> pa.Table:
    """Return the rows of the night: one for each request that was not refused, ordered by its rank.

    Raises:
        MissingInput: the night was not requested, or a request has neither a video nor a recorded error.
        BadInput: the plan does not match the requests, the queue of doubtful videos lacks one, all of the night's own prompts
            failed, or a request has not exactly one outcome.
    """
    videos = context.settings.videos
    accepted, queue = planned_requests(context), read_queue(context)
    rows, missing = [], []
    outcomes: dict[Clip, Outcome] = {}
    for request, clip in accepted:
        try:
            if clip not in outcomes:  # equal requests share a clip, which is decoded once
                outcomes[clip] = _outcome(videos, clip)
        except (FileNotFoundError, mp4.BrokenVideo) as error:
            missing.append(f"{clip.path} ({error})" if isinstance(error, mp4.BrokenVideo) else str(clip.path))
        else:
            decided = _reviewed(context, request, clip, outcomes[clip], queue.get(request["request_id"]))
            rows.append(_row(request, clip, decided))
    if missing:
        raise MissingInput(
            f"{len(missing)} of the {len(accepted)} videos of {context.date} in {videos}, first {missing[0]}",
            hint="run the shards of the plan again",
        )
    own = [row for row in rows if row["user_id"] is None]
    if own and all(row["outcome"] == FAILED for row in own):
        raise BadInput(f"all {len(own)} prompts of {context.date} failed, the first with {own[0]['failure']}")
    check_outcomes(read_requests(context), rows)
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
            f"the outcomes of the night do not add up: {len(requests)} requests, but {len(refused)} refused at once and "
            f"{len(rows)} outcomes of others; run the night's plan and shards again"
        )


def _outcome(videos: Location, clip: Clip) -> Outcome:
    """Return what became of a clip before anybody reviewed it: the columns that describe it, and its whole sidecar as `facts`.

    Raises:
        FileNotFoundError: it has neither a video nor a recorded error or refusal.
        mp4.BrokenVideo: a file is damaged.
    """
    try:
        facts = clip.facts(videos)
    except FileNotFoundError:
        recorded = json.loads((videos / clip.failure).read_text(encoding="utf-8"))
        refusal, failure = recorded.get("refusal"), recorded.get("error")
        outcome = {"outcome": REFUSED if refusal else FAILED, "reason": refusal, "failure": failure}
        return {**outcome, "sha256": "", "checks": [], "seconds": 0.0, "facts": None}
    gpu = facts.get("gpu") or {}
    described = {name: facts[name] for name in ("sha256", "checks", "seconds")}
    described |= {f"gpu_{name}": gpu.get(name) for name in ("seconds", "memory_mb", "energy_joules")}
    return {"outcome": MADE, "reason": None, "failure": None, **described, "facts": facts}


def _reviewed(
    context: JobContext, request: Mapping[str, Any], clip: Clip, outcome: Outcome, queued: Mapping[str, Any] | None
) -> Outcome:
    """Return the outcome of a request after the review of its clip, without `facts`.

    Raises:
        BadInput: the clip is doubtful, but not in the queue.
    """
    columns = {name: value for name, value in outcome.items() if name != "facts"}
    if (facts := outcome["facts"]) is None:
        return columns
    if queued is None or queued["video_name"] != clip.name:
        if doubts_about(request.get("doubt"), facts, faces=context.settings.review_faces):
            raise BadInput(
                f"{clip.path} is doubtful, but not in the queue of {context.date}; "
                f"run python -m jobs.video.review_queue --date {context.date}"
            )
        return columns
    if queued["decision"] is None:
        return {**columns, "outcome": WAITING, "reason": f"it waits for a person: {'; '.join(queued['doubts'])}"}
    if queued["decision"] == APPROVED:
        return columns
    return {**columns, "outcome": REFUSED, "reason": f"{queued['who']} refused it: {queued['why']}"}


def _row(request: Mapping[str, Any], clip: Clip, outcome: Outcome) -> dict[str, Any]:
    return {
        "date": request["date"], "request_id": request["request_id"], "user_id": request.get("user_id"),
        "video_name": clip.name, "prompt": clip.prompt, "generator": clip.generator,
        "generator_version": clip.generator_version, "seed": clip.seed, "width": clip.spec.width,
        "height": clip.spec.height, "frames": clip.spec.frames, "fps": clip.spec.fps, "path": str(clip.path),
        "tag": request["tag"], "arm": request["arm"], **outcome,
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


def publish(context: JobContext) -> None:
    """Write the outcomes of the night and the contact sheet. See `manifest` for errors."""
    rows = manifest(context)
    _draw_contact_sheet(context, rows)
    versions = Counter(sorted(rows["generator_version"].to_pylist())).most_common(1)
    context.lake.fingerprints[VIDEO_LABEL] = fingerprint(context.settings, VIDEO_LABEL)
    context.lake.write(rows, model=versions[0][0] if versions else None)
    _log.info("%s", dict(Counter(rows["outcome"].to_pylist())))


def main(argv: Sequence[str] | None = None) -> None:
    """Publish the night."""
    with run_job(argv, __doc__, writes=TABLE) as context:
        publish(context)


if __name__ == "__main__":
    main()
