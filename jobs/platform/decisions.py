"""What people have decided about nights that no rule can judge, from `ops.decisions`: `make accept` writes it.

A job asks for the decision on its night where it would refuse the night otherwise. One that it goes by is named among the rules
of what it publishes, so a night is stale once its decision was withdrawn or made anew.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from jobs.platform import lakehouse
from jobs.platform.errors import UsageError
from jobs.platform.settings import Settings

if TYPE_CHECKING:
    from jobs.platform.night import Night

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

    def __str__(self) -> str:
        return f"{_SAYS[self.kind].format(subject=self.subject)}, as {self.who} decided: {self.why}"


Key = tuple[dt.date, str, str]
"""Night, kind and subject."""


def decided(night: "Night", kind: str, subject: str = "") -> Decision | None:
    """The decision in force for this night, None if nobody has made one or it was withdrawn.

    Args:
        night: that asks; one that is found becomes an input and a rule of what it writes.
        kind: one of `SUBJECTS`.
        subject: what it is about; may be left out where the kind has one only.

    Raises:
        UsageError: the kind or its subject is unknown.
    """
    about = subject_of(kind, subject)
    at_version = night.inputs.get(TABLE)
    if at_version is None:
        at_version = lakehouse.version(night.uri(TABLE))
    if at_version is None:
        return None
    found = in_force(night.settings, at_version, night.date).get((night.date, kind, about))
    if found is not None:
        night.inputs[TABLE] = at_version
        night.rules[rule_of(kind, about)] = str(found)
    return found


def in_force(settings: Settings, at_version: int, night: dt.date | None = None) -> dict[Key, Decision]:
    """The decisions that count at a version of the table, those of one night if it is given."""
    rows = lakehouse.arrow(settings.uri(TABLE), at_version).to_table(
        filter=None if night is None else pc.field("date") == night
    )
    found: dict[Key, Decision] = {}
    for row in rows.sort_by("made_at").to_pylist():
        key = (row["date"], row["kind"], row["subject"])
        if row["withdrawn"]:
            found.pop(key, None)
        else:
            made_at = dt.datetime.fromtimestamp(row["made_at"] / 1000, dt.UTC)
            found[key] = Decision(*key, row["who"], row["why"], made_at)
    return found


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
    """The name of the rule that a decision is to what was made by it."""
    return f"decision on {kind} of {subject}"


def hint(night: dt.date, kind: str, subject: str = "") -> str:
    """The command by which somebody decides, for an error's message."""
    return f"make accept DATE={night} AS={kind} OF={subject_of(kind, subject)} WHY=…"
