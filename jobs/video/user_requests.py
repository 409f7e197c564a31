"""The requests of users: each is accepted with its prompt, seed and options, or refused with all reasons in words.

An accepted prompt that is doubtful is generated, and then waits for a person (`jobs.video.review_queue`).

The seed follows from the prompt unless the user gave one. So equal prompts with equal options give the same clip, which is
generated once (`jobs.video.plan`).
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from jobs.video import options
from jobs.video.prompt_check import AUTO, check, language_of, normalized

Prompt = Mapping[str, Any]
"""A row of silver.video_prompts."""

_Value = TypeVar("_Value")


def user_requests(prompts: Iterable[Prompt], date: dt.date, serving: str, first_rank: int) -> Iterator[dict[str, Any]]:
    """Yield a row of gold.video_requests for each prompt, in the order of the app's ids.

    Args:
        prompts: the night's prompts, in any order.
        date: the night.
        serving: the name of the generator that serves.
        first_rank: rank of the first row.
    """
    for rank, prompt in enumerate(sorted(prompts, key=lambda row: str(row["request"])), first_rank):
        digest = hashlib.sha256(f"{date}\0user\0{prompt['request']}".encode()).hexdigest()
        origin = {"date": date, "request_id": digest[:16], "origin": "user", "tag": "", "rank": rank}
        yield {**origin, "request": prompt["request"], "user_id": prompt["user_id"], **_decision(prompt, serving)}


def _decision(prompt: Prompt, serving: str) -> dict[str, Any]:
    """Return the columns that follow from what the user wrote."""
    reasons: list[str] = []

    def read(option: str, parse: Callable[[str], _Value]) -> _Value | None:
        written = prompt[f"requested_{option}"]
        try:
            return None if written is None else parse(written.strip())
        except ValueError as error:
            reasons.append(str(error))
            return None

    declared = read("language", options.read_language) or AUTO
    read("generator", lambda name: options.read_generator(name, serving))
    seed = read("seed", options.read_seed)
    seconds = read("seconds", options.read_seconds)
    width, height = read("size", options.read_size) or (None, None)
    text, style = (normalized(prompt[column] or "") for column in ("text", "requested_style"))
    styled = f"{text}, {style}" if style else text
    verdict = check(text, declared)
    if style and verdict.refusal is None:
        verdict = check(styled, declared)
    if verdict.refusal is not None:
        reasons.insert(0, verdict.refusal)
    return {
        "prompt": styled, "language": language_of(styled, declared),
        "seed": _seed_of(styled) if seed is None else seed,
        "clip_seconds": seconds, "width": width, "height": height,
        "refusal": "; ".join(reasons) or None,
        "doubt": None if reasons else verdict.doubt,
    }  # fmt: skip


def _seed_of(prompt: str) -> int:
    return int(hashlib.sha256(prompt.encode()).hexdigest()[:7], 16)
