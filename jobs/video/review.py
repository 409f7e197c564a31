"""Decides about doubtful videos: `make review` lists those that wait, with APPROVE or REFUSE it decides about some of them.

    make review                                             all that wait; DATE=2022-05-01 only those of one night
    make review APPROVE="id id" BY=name WHY="a toy gun"     they count as made
    make review REFUSE=id BY=name WHY="a weapon"            they are refused, also when a night is rerun

A decision about a video holds for all requests that share it, and is recorded in gold.review_queue of every night that has it.
The command then publishes gold.generated_videos of these nights again. The last decision counts.

The list shows the texts of users, which are personal: no reason should quote them.
"""

import argparse
import datetime as dt
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from jobs.backfill.accept import plain_line
from jobs.platform import admission, lake
from jobs.platform.command import command, day_or_none
from jobs.platform.errors import UsageError
from jobs.platform.job_context import JobContext
from jobs.platform.settings import Settings, settings
from jobs.video import generated_videos
from jobs.video.review_queue import APPROVED, REFUSED, TABLE
from schemas.contract import load_contract


def waiting(settings: Settings, date: dt.date | None = None) -> Iterator[str]:
    """Yield the lines that describe the videos that wait: of one night, or of all."""
    rows = _rows(settings, pc.field("decision").is_null())
    by_name: dict[str, list[dict[str, object]]] = {}
    for row in rows.sort_by([("date", "ascending"), ("video_name", "ascending")]).to_pylist():
        if date in (None, row["date"]):
            by_name.setdefault(row["video_name"], []).append(row)
    for name, requests in by_name.items():
        first = requests[0]
        nights = dict.fromkeys(str(row["date"]) for row in requests)
        doubts = first["doubts"]
        assert isinstance(doubts, list)
        yield f"{name}  {', '.join(nights)}, {len(requests)} request{'s' * (len(requests) > 1)}"
        yield f"  why   {'; '.join(doubts)}"
        yield f"  text  {first['prompt']}"
        yield f"  file  {settings.videos / str(first['path'])}"
    if not by_name:
        yield "no video waits"


def decide(settings: Settings, names: Sequence[str], decision: str, who: str, why: str) -> Iterator[str]:
    """Record a decision about videos, and publish what becomes of their requests. Yields a line for each night.

    Args:
        settings: the location of the lake.
        names: the videos, by their `video_name`.
        decision: `APPROVED` or `REFUSED`.
        who: the author.
        why: the reason.

    Raises:
        UsageError: a text is no plain line, or a video is not in the queue; nothing is recorded.
        Overtaken: the night's queue was written at the same moment; run the command again.
    """
    made = {
        "decision": decision,
        "who": plain_line("BY", who),
        "why": plain_line("WHY", why),
        "decided_at": round(dt.datetime.now(dt.UTC).timestamp() * 1000),
    }
    rows = _rows(settings, pc.field("video_name").isin(list(names)))
    if unknown := sorted({*names} - {*rows["video_name"].to_pylist()}):
        raise UsageError(f"{unknown[0]!r} is not in the queue; make review lists the ids of the videos that wait")
    nights = sorted({*rows["date"].to_pylist()})
    for night in nights:
        context = JobContext(night, settings, writes=TABLE)
        of_night = context.lake.arrow(TABLE).to_table(filter=pc.field("date") == pa.scalar(night)).to_pylist()
        changed = [row | made if row["video_name"] in names else row for row in of_night]
        context.lake.write(pa.Table.from_pylist(changed, schema=load_contract(TABLE).arrow_schema()))
    for night in nights:
        count = sum(row == night for row in rows["date"].to_pylist())
        context = JobContext(night, settings, writes=generated_videos.TABLE)
        if context.lake.has_day(generated_videos.TABLE, night):  # otherwise the night will publish it
            generated_videos.publish(context)
        yield f"{night}: {count} request{'s' * (count > 1)} {decision}"


def _rows(settings: Settings, condition: pc.Expression) -> pa.Table:
    """Return the rows of the queue, of all nights, that meet a condition."""
    version = lake.version(settings.uri(TABLE))
    if version is None:
        return load_contract(TABLE).arrow_schema().empty_table()
    return lake.arrow(settings.uri(TABLE), version).to_table(filter=condition)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--date", type=day_or_none, help="list only the videos of this night")
    parser.add_argument("--approve", default="", help="ids of videos that count as made")
    parser.add_argument("--refuse", default="", help="ids of videos that are refused")
    parser.add_argument("--by", default="", help="who decides")
    parser.add_argument("--why", default="", help="the reason")


def main(argv: Sequence[str] | None = None) -> None:
    """List what waits, or decide."""
    with command(argv, __doc__, _arguments) as args:
        current = settings()
        admission.check(current)
        if args.approve and args.refuse:
            raise UsageError("give APPROVE or REFUSE, not both")
        if args.approve or args.refuse:
            decision, names = (APPROVED, args.approve) if args.approve else (REFUSED, args.refuse)
            lines = decide(current, names.split(), decision, args.by, args.why)
        else:
            lines = waiting(current, args.date)
        for line in lines:
            print(line, flush=True)


if __name__ == "__main__":
    main()
