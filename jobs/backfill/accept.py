"""Records what a person decides about a night that no rule can judge: `make accept DATE=2022-05-02 AS=empty WHY="an outage"`.

    AS=empty     the night has no log, since the app or its log was down
    AS=volume    the feed OF is right, though it is far larger or smaller than usual, or much of it is in quarantine
    AS=labels    the night's clicks are all there are, though no click model expected so many or so few
    AS=snapshot  the snapshot of the feed OF is missing, and the one before stands for it
    AS=model     the model OF that served before the night goes on, whatever the night's candidates are worth

It is kept in ops.decisions with who and when, counts in every run of the night from now on, and is shown by report and summary.
The last decision counts. WITHDRAW=1 takes it back, which is on record as well.
"""

import argparse
import datetime as dt
import getpass
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from jobs.platform import decisions
from jobs.platform.decisions import TABLE, Decision
from jobs.platform.errors import UsageError
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from schemas.contract import load_contract

_LONGEST = {"WHO": 100, "WHY": 500}
_NOT_IN_A_LINE = (
    "Cc",
    "Cf",
    "Cs",
    "Zl",
    "Zp",
)  # categories of Unicode: control characters, and what breaks or turns a line


def accept(context: JobContext, kind: str, subject: str, who: str, why: str, *, withdraw: bool = False) -> bool:
    """Record a decision about the night, or that it is withdrawn.

    Returns:
        Whether that is new; saying the same again adds nothing.

    Raises:
        UsageError: the night is not over, there is no such decision, a text is none, or there is nothing to withdraw.
        Overtaken: somebody else decided about the night at the same moment.
    """
    if context.date >= dt.datetime.now(context.settings.timezone).date():
        raise UsageError(f"DATE={context.date} is not over yet; decide about a night once it is")
    about = decisions.subject_of(kind, subject)
    record = decisions.read_decisions(context.settings, context.date)
    last = next((made for made in reversed(record) if (made.kind, made.subject) == (kind, about)), None)
    now = dt.datetime.now(dt.UTC)
    if last is not None:  # what is said now is the last, even where a clock was set back
        now = max(now, last.made_at + dt.timedelta(milliseconds=1))
    new = Decision(context.date, kind, about, _line("WHO", who), _line("WHY", why), now, withdraw)
    if last is not None and replace(last, made_at=now) == new:
        return False
    if withdraw and (last is None or last.withdrawn):
        raise UsageError(f"nothing is decided on {kind} of {about} for {context.date}, so there is nothing to withdraw")
    context.lake.write(
        pa.Table.from_pylist([_row(made) for made in (*record, new)], load_contract(TABLE).arrow_schema())
    )
    return True


def _row(made: Decision) -> dict[str, object]:
    return {
        "date": made.night, "kind": made.kind, "subject": made.subject,
        "made_at": round(made.made_at.timestamp() * 1000), "withdrawn": made.withdrawn, "who": made.who, "why": made.why,
    }  # fmt: skip


def _line(name: str, text: str) -> str:
    """A text that a person gave, without blanks around it.

    Raises:
        UsageError: it is empty, too long, or more than a line.
    """
    line = text.strip()
    if not line:
        raise UsageError(f"{name} is empty; a decision is on record with who made it and why")
    if len(line) > _LONGEST[name]:
        raise UsageError(f"{name} has {len(line)} characters; say it in {_LONGEST[name]}")
    if odd := next((c for c in line if unicodedata.category(c) in _NOT_IN_A_LINE), None):
        raise UsageError(f"{name} has the character U+{ord(odd):04X}, which is no text; say it in one plain line")
    return line


def login() -> str:
    """The name of the user who runs this process, or its number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def main(argv: Sequence[str] | None = None) -> None:
    """Record the decision and print it."""
    with run_job(argv, __doc__, _arguments, writes=TABLE) as context:
        args = context.args
        who = login() if args.who is None else args.who
        new = accept(context, args.kind, args.subject, who, args.why, withdraw=bool(args.withdraw))
        what = f"{args.kind} of {decisions.subject_of(args.kind, args.subject)}"
        print(f"{context.date}: {what} {'withdrawn' if args.withdraw else 'accepted'}{'' if new else ', as before'}")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="kind", required=True, help=f"what is decided: {', '.join(decisions.SUBJECTS)}")
    parser.add_argument("--of", dest="subject", default="", help="the feed or the model that it is about")
    parser.add_argument("--why", required=True, help="the reason")
    parser.add_argument("--who", help="who decides (default: the user who runs this)")
    parser.add_argument("--withdraw", action=argparse.BooleanOptionalAction, help="take the decision back")


if __name__ == "__main__":
    main()
