"""Records an operator's decision about a night that no rule can judge: `make accept DATE=2022-05-02 AS=empty WHY="an outage"`.

    AS=empty     the night has no log, because the app or its logging was down
    AS=volume    the feed OF is correct, although it is much larger or smaller than usual, or many of its rows are quarantined
    AS=labels    the night's clicks are complete, although no click model expected so many or so few
    AS=snapshot  the snapshot of the feed OF is missing; use the previous one instead
    AS=model     the model OF that served before the night stays, whatever the night's candidates score

The decision is stored in ops.decisions with its author and time. It applies to every later run of the night; report and summary
show it. The last decision counts. WITHDRAW=1 withdraws it; the withdrawal is recorded too.
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

_MAX_LENGTHS = {"WHO": 100, "BY": 100, "WHY": 500}
_FORBIDDEN_CATEGORIES = (
    "Cc",
    "Cf",
    "Cs",
    "Zl",
    "Zp",
)  # Unicode categories: control and format characters, surrogates, line and paragraph separators


def accept(context: JobContext, kind: str, subject: str, who: str, why: str, *, withdraw: bool = False) -> bool:
    """Record a decision about the night, or its withdrawal.

    Returns:
        False if the same decision is already the last one; then nothing is added.

    Raises:
        UsageError: the night is not over, the kind or subject is unknown, a text is invalid, or there is nothing to withdraw.
        Overtaken: somebody else recorded a decision about the night at the same moment.
    """
    if context.date >= dt.datetime.now(context.settings.timezone).date():
        raise UsageError(f"DATE={context.date} is not over yet; decide about a night once it is")
    subject = decisions.subject_of(kind, subject)
    record = decisions.read_decisions(context.settings, context.date)
    last = next((d for d in reversed(record) if (d.kind, d.subject) == (kind, subject)), None)
    now = dt.datetime.now(dt.UTC)
    if last is not None:  # the new decision has the latest time, even if the clock was set back
        now = max(now, last.made_at + dt.timedelta(milliseconds=1))
    new = Decision(context.date, kind, subject, plain_line("WHO", who), plain_line("WHY", why), now, withdraw)
    if last is not None and replace(last, made_at=now) == new:
        return False
    if withdraw and (last is None or last.withdrawn):
        raise UsageError(f"there is no decision on {kind} of {subject} for {context.date} to withdraw")
    context.lake.write(pa.Table.from_pylist([_row(d) for d in (*record, new)], load_contract(TABLE).arrow_schema()))
    return True


def _row(decision: Decision) -> dict[str, object]:
    return {
        "date": decision.night, "kind": decision.kind, "subject": decision.subject,
        "made_at": round(decision.made_at.timestamp() * 1000), "withdrawn": decision.withdrawn,
        "who": decision.who, "why": decision.why,
    }  # fmt: skip


def plain_line(name: str, text: str) -> str:
    """Return a text of the operator, the variable WHO, BY or WHY, without surrounding blanks.

    Raises:
        UsageError: the text is empty, too long, or not a single line.
    """
    line = text.strip()
    if not line:
        raise UsageError(f"{name} is empty; a decision needs its author and a reason")
    if len(line) > _MAX_LENGTHS[name]:
        raise UsageError(f"{name} has {len(line)} characters; use at most {_MAX_LENGTHS[name]}")
    if forbidden := next((c for c in line if unicodedata.category(c) in _FORBIDDEN_CATEGORIES), None):
        raise UsageError(f"{name} contains the character U+{ord(forbidden):04X}, which is not text; use one plain line")
    return line


def login() -> str:
    """Return the name of the user who runs this process, or the user id if it has no name."""
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
    parser.add_argument("--as", dest="kind", required=True, help=f"kind of decision: {', '.join(decisions.SUBJECTS)}")
    parser.add_argument("--of", dest="subject", default="", help="the feed or model that the decision is about")
    parser.add_argument("--why", required=True, help="the reason")
    parser.add_argument("--who", help="the author (default: the user who runs this)")
    parser.add_argument("--withdraw", action=argparse.BooleanOptionalAction, help="withdraw the decision")


if __name__ == "__main__":
    main()
