"""Decisions of operators about nights that no rule can judge, from `ops.decisions`; `make accept` writes them.

A job looks for a decision where it would otherwise reject the night. A decision that it applies is recorded as a fingerprint in
its commit, so a night becomes stale when its decision is withdrawn or changed.
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
    VOLUME: ("behavior_logs", "users", "videos", "campaigns", "video_prompts"),
    LABELS: ("click_model",),
    SNAPSHOT: ("users", "videos", "campaigns"),
    MODEL: ("recommender", "click_model", "video_generator"),
}
"""Kind of decision -> its possible subjects: feeds of the landing, or registered models."""

_TEXTS = {
    EMPTY: "the night's {subject} are empty",
    VOLUME: "the volume of {subject} is right",
    LABELS: "the labels of {subject} are all there are",
    SNAPSHOT: "the snapshot of {subject} is missing, the one before is used",
    MODEL: "the {subject} of before stays",
}  # these texts are stored as fingerprints: a change of wording would make nights stale
_FINGERPRINT = "decision on "


@dataclass(frozen=True)
class Decision:
    """An operator's decision about a night. Its text is one sentence: what was decided, by whom and why."""

    night: dt.date
    kind: str
    subject: str
    who: str
    why: str
    made_at: dt.datetime
    """In UTC."""
    withdrawn: bool = False
    """True if this withdraws the previous decision."""

    @property
    def what(self) -> str:
        """The decision in words."""
        return _TEXTS[self.kind].format(subject=self.subject)

    def __str__(self) -> str:
        return f"{self.what}, as {self.who} decided: {self.why}"


Key = tuple[dt.date, str, str]
"""Night, kind and subject."""


def find_decision(context: "JobContext", kind: str, subject: str = "") -> Decision | None:
    """Return the decision in force for this night; None if nobody has made one or it was withdrawn.

    Args:
        context: of the job; a decision that is found is recorded as an input and a fingerprint of the table that it writes.
        kind: a key of `SUBJECTS`.
        subject: may be omitted if the kind has only one.

    Raises:
        UsageError: the kind or its subject is unknown.
    """
    subject = subject_of(kind, subject)
    at_version = context.lake.inputs.get(TABLE)
    if at_version is None:
        at_version = lake.version(context.lake.uri(TABLE))
    if at_version is None:
        return None
    record = read_decisions(context.settings, context.date, at_version)
    decision = in_force(record).get((context.date, kind, subject))
    if decision is not None:
        context.lake.inputs[TABLE] = at_version
        context.lake.fingerprints[fingerprint_name(kind, subject)] = str(decision)
    return decision


def depend_on(context: "JobContext", kind: str, subject: str = "") -> None:
    """Make the job's output stale whenever this decision is made, withdrawn or changed.

    For a decision that an earlier job of the night applies.
    """
    name = fingerprint_name(kind, subject_of(kind, subject))
    context.lake.fingerprints[name] = str(find_decision(context, kind, subject) or "")


def read_decisions(settings: Settings, night: dt.date | None = None, at_version: int | None = None) -> list[Decision]:
    """Return all decisions ever made, the oldest first.

    Args:
        settings: the location of the lake.
        night: only decisions about this night.
        at_version: of the table; by default the current one.
    """
    if at_version is None:
        at_version = lake.version(settings.uri(TABLE))
    if at_version is None:
        return []
    condition = None if night is None else pc.field("date") == night
    rows = lake.arrow(settings.uri(TABLE), at_version).to_table(filter=condition).sort_by("made_at").to_pylist()
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
    """Return the last decision for each key, unless it was withdrawn.

    Args:
        record: all decisions, the oldest first.
    """
    last = {(decision.night, decision.kind, decision.subject): decision for decision in record}
    return {key: decision for key, decision in last.items() if not decision.withdrawn}


def subject_of(kind: str, subject: str = "") -> str:
    """Return the subject; if it is empty, the only subject that the kind has.

    Raises:
        UsageError: the kind is unknown, or its subject is unknown or missing.
    """
    if kind not in SUBJECTS:
        raise UsageError(f"AS={kind}: there is no such kind of decision; use one of {', '.join(SUBJECTS)}")
    subjects = SUBJECTS[kind]
    if not subject and len(subjects) == 1:
        return subjects[0]
    if subject not in subjects:
        raise UsageError(f"OF={subject}: a decision of kind {kind} is about one of {', '.join(subjects)}")
    return subject


def fingerprint_name(kind: str, subject: str) -> str:
    """Return the name under which a commit records the fingerprint of a decision; the fingerprint is the decision's text."""
    return f"{_FINGERPRINT}{kind} of {subject}"


def is_decision_fingerprint(name: str) -> bool:
    """True if the fingerprint of this name is that of a decision."""
    return name.startswith(_FINGERPRINT)


def hint(night: dt.date, kind: str, subject: str = "") -> str:
    """Return the command that records a decision, for error messages."""
    return f"make accept DATE={night} AS={kind} OF={subject_of(kind, subject)} WHY=…"
