"""What people have decided about nights that no rule can judge, from `ops.decisions`: `make accept` writes it.

A job asks for the decision where it would refuse the night otherwise. One that it goes by is among the rules of what it
publishes, so that a night is stale once its decision was withdrawn or made anew.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from jobs.platform import lake
from jobs.platform.errors import UsageError
from jobs.platform.settings import Settings

if TYPE_CHECKING:
    from jobs.platform.job_context import JobContext

TABLE = "ops.decisions"

EMPTY, VOLUME, LABELS, SNAPSHOT, MODEL = "empty", "volume", "labels", "snapshot", "model"
SUBJECTS: Mapping[str, tuple[str, ...]] = {
    EMPTY: ("behavior_logs",),
    VOLUME: ("behavior_logs", "users", "videos", "campaigns"),
    LABELS: ("click_model",),
    SNAPSHOT: ("users", "videos", "campaigns"),
    MODEL: ("recommender", "click_model"),
}
"""Kind -> what it can be decided of: feeds of the landing, or registered models."""

_SAYS = {
    EMPTY: "the night's {subject} are empty",
    VOLUME: "the volume of {subject} is right",
    LABELS: "the labels of {subject} are all there are",
    SNAPSHOT: "the snapshot of {subject} is missing, the one before is used",
    MODEL: "the {subject} of before stays",
}
_RULE = "decision on "


@dataclass(frozen=True)
class Decision:
    """What somebody decided about a night. As text, one sentence that says what, who and why."""

    night: dt.date
    kind: str
    subject: str
    who: str
    why: str
    made_at: dt.datetime
    """In UTC."""
    withdrawn: bool = False
    """Whether it takes back what was decided before."""

    @property
    def what(self) -> str:
        """What was decided, in words."""
        return _SAYS[self.kind].format(subject=self.subject)

    def __str__(self) -> str:
        return f"{self.what}, as {self.who} decided: {self.why}"


Key = tuple[dt.date, str, str]
"""Night, kind and subject."""


def decided(context: "JobContext", kind: str, subject: str = "") -> Decision | None:
    """The decision in force for this night, None if nobody has made one or it was withdrawn.

    Args:
        context: of the job that asks; a decision that is found becomes an input and a rule of what it writes.
        kind: one of `SUBJECTS`.
        subject: what it is about; may be left out where the kind has one only.

    Raises:
        UsageError: the kind or its subject is unknown.
    """
    about = subject_of(kind, subject)
    at_version = context.lake.inputs.get(TABLE)
    if at_version is None:
        at_version = lake.version(context.lake.uri(TABLE))
    if at_version is None:
        return None
    found = in_force(on_record(context.settings, context.date, at_version)).get((context.date, kind, about))
    if found is not None:
        context.lake.inputs[TABLE] = at_version
        context.lake.fingerprints[rule_of(kind, about)] = str(found)
    return found


def follow(context: "JobContext", kind: str, subject: str = "") -> None:
    """Make what a job writes stale once this decision is made, withdrawn or made anew: another job goes by it before this one."""
    context.lake.fingerprints[rule_of(kind, subject_of(kind, subject))] = str(decided(context, kind, subject) or "")


def on_record(settings: Settings, night: dt.date | None = None, at_version: int | None = None) -> list[Decision]:
    """All that was ever decided about a night, or about any, the oldest first; at the table's current version unless given."""
    if at_version is None:
        at_version = lake.version(settings.uri(TABLE))
    if at_version is None:
        return []
    of_night = None if night is None else pc.field("date") == night
    rows = lake.arrow(settings.uri(TABLE), at_version).to_table(filter=of_night).sort_by("made_at").to_pylist()
    return [
        Decision(
            night=row["date"],
            kind=row["kind"],
            subject=row["subject"],
            who=row["who"],
            why=row["why"],
            made_at=dt.datetime.fromtimestamp(row["made_at"] / 1000, dt.UTC),
            withdrawn=row["withdrawn"],
        )
        for row in rows
    ]


def in_force(record: Iterable[Decision]) -> dict[Key, Decision]:
    """Of what is on record, the oldest first, what counts: the last decision on each matter, unless it is withdrawn."""
    last = {(made.night, made.kind, made.subject): made for made in record}
    return {key: made for key, made in last.items() if not made.withdrawn}


def subject_of(kind: str, subject: str = "") -> str:
    """The subject, or the only one that the kind has.

    Raises:
        UsageError: the kind is unknown, or what it is about is unknown or missing.
    """
    if kind not in SUBJECTS:
        raise UsageError(f"AS={kind}: there is no such decision; give one of {', '.join(SUBJECTS)}")
    known = SUBJECTS[kind]
    if not subject and len(known) == 1:
        return known[0]
    if subject not in known:
        raise UsageError(f"OF={subject}: a decision of kind {kind} is about one of {', '.join(known)}")
    return subject


def rule_of(kind: str, subject: str) -> str:
    """The name that a decision has among the rules of what was made by it, where its text is what the rule says."""
    return f"{_RULE}{kind} of {subject}"


def is_rule(name: str) -> bool:
    """Whether the rule of this name is a decision."""
    return name.startswith(_RULE)


def hint(night: dt.date, kind: str, subject: str = "") -> str:
    """The command by which somebody decides, for an error's message."""
    return f"make accept DATE={night} AS={kind} OF={subject_of(kind, subject)} WHY=…"
