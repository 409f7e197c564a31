"""ops.stale_days: published nights that would come out differently if rerun today, and why: `make stale`.

A night of a table is stale if, since it was published,

* its landing has changed,
* a night that it was made from, or that its model was trained on, was published with other content, or
* a fingerprint that is recorded with its rows (of a contract, a setting or a decision) has changed.

Late events make no night stale: a night is made from the events that had arrived by its end. Changes of code make no night stale
either. Only nights that are stale now are listed; further nights may become stale when these are rerun.
"""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from jobs.ingest import manifest
from jobs.platform import decisions
from jobs.platform.fingerprints import fingerprint
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.platform.lake import Publication, publications, tables
from jobs.platform.settings import Settings
from schemas.contract import load_contract
from schemas.contract import tables as contract_tables
from schemas.dependencies import days_read, tables_of_a_night
from schemas.made_from import MODELS

TABLE = "ops.stale_days"
_NIGHT_OF_MODEL = re.compile(r"-(\d{4}-\d{2}-\d{2})-[0-9a-f]{8}$")


@dataclass(frozen=True)
class Stale:
    """A night of a table that would come out differently if rerun today."""

    night: dt.date
    table: str
    reasons: tuple[str, ...]


def stale_days(settings: Settings, until: dt.date) -> list[Stale]:
    """Return all stale nights up to `until`, sorted by night, and within a night in the order in which its tables are made."""
    history = _History(settings)
    stale = []
    for table in tables_of_a_night():
        for night, of_night in history.published[table].items():
            last = of_night[0]
            if night <= until and not last.dropped and (reasons := tuple(history.reasons(table, last))):
                stale.append(Stale(night, table, reasons))
    return sorted(stale, key=lambda stale: stale.night)


@dataclass
class _History:
    """All publications and decisions of the lake, by night."""

    settings: Settings
    published: dict[str, dict[dt.date, list[Publication]]] = field(init=False)
    """Table -> night -> its publications, the newest first."""
    decisions: dict[tuple[dt.date, str], str] = field(init=False)
    """(Night, fingerprint name) -> the decision in force."""

    def __post_init__(self) -> None:
        self.published = {table: defaultdict(list) for table in contract_tables()}
        for table in tables(self.settings):
            for publication in publications(self.settings.uri(table)):
                self.published[table][publication.day].append(publication)
        in_force = decisions.in_force(decisions.read_decisions(self.settings))
        self.decisions = {
            (night, decisions.fingerprint_name(kind, subject)): str(decision)
            for (night, kind, subject), decision in in_force.items()
        }

    def reasons(self, table: str, last: Publication) -> Iterator[str]:
        """Yield the reasons why the last publication of a night is stale."""
        for name, recorded in last.made_by.get("rules", {}).items():
            if decisions.is_decision_fingerprint(name):
                yield from _changed_decision(name, recorded, self.decisions.get((last.day, name), ""))
            elif recorded != (current := fingerprint(self.settings, name)):
                is_table = name in contract_tables()
                yield f"the contract of {name} changed" if is_table else f"{name} was {recorded}, is {current}"
        for feed, digest in last.made_by.get("landed", {}).items():
            # The digest is empty if the files were deleted or are just being written; neither is a change.
            if manifest.digest(self.settings.landing, feed, last.day) not in ("", digest):
                yield f"the landing of {feed} changed"
        inputs: dict[str, int] = last.made_by.get("inputs", {})
        for read, days in days_read(table, last.day, self.settings.late_days).items():
            yield from self._changed_input(read, days, inputs.get(read, -1))
        if model := last.made_by.get("model"):
            yield from self._changed_training_data(model)

    def _changed_training_data(self, model: str) -> Iterator[str]:
        from jobs.platform import tracking  # MLflow takes seconds to import

        night, training = _NIGHT_OF_MODEL.search(model), tracking.training(self.settings, model)
        if night and training:
            of_night = dt.date.fromisoformat(night[1])
            for read, days in days_read(MODELS + training.name, of_night, self.settings.late_days).items():
                if read in training.inputs:
                    changes = self._changed_input(read, days, training.inputs[read])
                    yield from (f"{model}: {change}" for change in changes)

    def _changed_input(self, table: str, days: Iterable[dt.date], since: int) -> Iterator[str]:
        """Yield a reason if days have other content than at version `since` of the table; -1 if it did not exist then."""
        changed = []
        for day in days:
            of_day = self.published.get(table, {}).get(day, [])
            content_then = next((p.content for p in of_day if p.version <= since), None)
            if of_day and not of_day[0].dropped and of_day[0].content != content_then:
                changed.append(str(day))
        if changed:
            yield f"{table} of {', '.join(sorted(changed))} changed"


def _changed_decision(name: str, recorded: str, current: str) -> Iterator[str]:
    if recorded != current:
        yield f"the {name} was {'changed' if recorded and current else 'withdrawn' if recorded else 'made'}"


def write(context: JobContext, stale: Sequence[Stale]) -> None:
    """Update the table for the nights up to this one, with one commit per night whose rows change."""
    new: dict[dt.date, list[dict[str, object]]] = defaultdict(list)
    for s in stale:
        new[s.night].append({"date": s.night, "table_name": s.table, "reasons": list(s.reasons)})
    old = _current_rows(context)
    for day in sorted(new.keys() | old.keys()):
        if day <= context.date and new[day] != old.get(day, []):
            rows = pa.Table.from_pylist(new[day], load_contract(TABLE).arrow_schema())
            JobContext(day, context.settings, writes=TABLE).lake.write(rows)


def _current_rows(context: JobContext) -> dict[dt.date, list[dict[str, object]]]:
    by_day: dict[dt.date, list[dict[str, object]]] = defaultdict(list)
    if context.lake.exists(TABLE):
        for row in (
            context.lake.arrow(TABLE).to_table(columns=[c.name for c in load_contract(TABLE).columns]).to_pylist()
        ):
            by_day[row["date"]].append(row)
    order = {table: place for place, table in enumerate(tables_of_a_night())}
    return {day: sorted(rows, key=lambda row: order[str(row["table_name"])]) for day, rows in by_day.items()}


def main(argv: Sequence[str] | None = None) -> None:
    """Update the table, and print a line for each stale night of a table."""
    with run_job(argv, __doc__) as context:
        stale = stale_days(context.settings, context.date)
        write(context, stale)
        for s in stale:
            print(f"{s.night} {s.table}: {'; '.join(s.reasons)}", flush=True)


if __name__ == "__main__":
    main()
