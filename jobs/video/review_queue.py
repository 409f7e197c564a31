"""gold.review_queue: the night's requests whose video is doubtful, and what a person decided about it (`jobs.video.review`).

A video is doubtful because of its prompt (`jobs.video.prompt_check`, `jobs.video.prompt_classifier`) or because of what it shows
(`jobs.video.generate`, `jobs.video.content`). It is made, but does not count as made before somebody approves it. Decisions are
read from the table itself, so a rerun keeps them: a decision about a video holds for all requests that share it, on every night,
and a refusal holds for the request too, whatever video a later generator makes of it.
"""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from infra.storage import Location
from jobs.platform.errors import MissingInput
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.video import content, mp4
from jobs.video.clip import Clip
from jobs.video.plan import planned_requests
from schemas.contract import load_contract

TABLE = "gold.review_queue"

APPROVED, REFUSED = "approved", "refused"

Row = Mapping[str, Any]

_FAILED_CHECKS = {
    "as_asked": "the clip has another size or length than asked",
    "not_blank": "the clip is blank",
    "moves": "nothing moves in the clip",
}
_DECIDED = ("decision", "who", "why", "decided_at")
_READERS = 16  # files that are read at the same time: each is small, and may be in an object store

_log = logging.getLogger(__name__)


def doubts_about(doubt: str | None, facts: Row, *, faces: bool) -> list[str]:
    """Return why a person has to look at a video, in words; empty if nobody has to.

    Args:
        doubt: of the rules about its prompt.
        facts: the content of its sidecar, which clips of earlier releases have less of.
        faces: whether a face is a reason.
    """
    failed = [words for check, words in _FAILED_CHECKS.items() if check not in facts["checks"]]
    seen = content.doubts(facts.get("shows", {}), faces=faces)
    return [*([doubt] if doubt else []), *facts.get("doubts", []), *failed, *seen]


def transform(found: Sequence[tuple[Row, Clip, Sequence[str]]], decided: Sequence[Row]) -> pa.Table:
    """Return the night's rows of gold.review_queue: the requests that are doubtful or were decided about.

    Args:
        found: the night's requests whose video is finished, each with its clip and `doubts_about` it.
        decided: rows of gold.review_queue with a decision, of any night.
    """
    in_order = sorted(decided, key=lambda row: row["decided_at"])
    about_clip = {row["video_name"]: row for row in in_order}
    about_request = {(row["date"], row["request_id"]): row for row in in_order if row["decision"] == REFUSED}
    rows = []
    for request, clip, doubts in found:
        last = about_clip.get(clip.name) or about_request.get((request["date"], request["request_id"]))
        if doubts or last:
            rows.append(
                {
                    **{name: request.get(name) for name in ("date", "request_id", "prompt", "user_id")},
                    "video_name": clip.name, "path": str(clip.path), "doubts": list(doubts or (last or {})["doubts"]),
                    **{name: last and last[name] for name in _DECIDED},
                }
            )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=load_contract(TABLE).arrow_schema())


def decisions(context: JobContext) -> list[dict[str, Any]]:
    """Return all rows with a decision, of any night."""
    if not context.lake.exists(TABLE):
        return []
    return list(context.lake.arrow(TABLE).to_table(filter=pc.field("decision").is_valid()).to_pylist())


def read_queue(context: JobContext) -> dict[str, dict[str, Any]]:
    """Return request -> the night's row of gold.review_queue.

    Raises:
        MissingInput: the queue of the night was not written.
    """
    if not context.lake.has_day(TABLE, context.date):
        raise MissingInput(TABLE, context.date, f"run python -m jobs.video.review_queue --date {context.date} first")
    rows = context.lake.arrow(TABLE).to_table(filter=pc.field("date") == pa.scalar(context.date)).to_pylist()
    return {row["request_id"]: row for row in rows}


def _doubtful(context: JobContext) -> list[tuple[Row, Clip, list[str]]]:
    """Return the night's requests whose video is finished, each with its clip and the doubts about it.

    Raises:
        MissingInput: a clip has neither a video nor a recorded error or refusal.
    """
    videos, faces = context.settings.videos, context.settings.review_faces
    planned = planned_requests(context)
    clips = list(dict.fromkeys(clip for _, clip in planned))
    with ThreadPoolExecutor(_READERS) as readers:
        facts = dict(zip(clips, readers.map(lambda clip: _recorded(videos, clip), clips), strict=True))
    if missing := [clip for clip in clips if facts[clip] is None]:
        raise MissingInput(
            f"{len(missing)} of the {len(clips)} videos of {context.date} in {videos}, first {missing[0].path}",
            hint="run the shards of the plan again",
        )
    return [
        (request, clip, doubts_about(request.get("doubt"), of_clip, faces=faces))
        for request, clip in planned
        if (of_clip := facts[clip])
    ]


def _recorded(videos: Location, clip: Clip) -> dict[str, Any] | None:
    """Return the content of a clip's sidecar; empty if it has failed or is refused, None if it is not finished."""
    try:
        return clip.recorded(videos)
    except (FileNotFoundError, mp4.BrokenVideo):
        return {} if (videos / clip.failure).is_file() else None


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's queue."""
    with run_job(argv, __doc__, writes=TABLE) as context:
        rows = transform(_doubtful(context), decisions(context))
        context.lake.write(rows)
        _log.info("%d videos wait for a person", rows["decision"].null_count)


if __name__ == "__main__":
    main()
