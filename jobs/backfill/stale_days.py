"""ops.stale_days: which published nights a run of now would make otherwise, and why: `make stale`.

A night of a table is stale if, since it was published,

* its landing has changed,
* a night that it is made from, or that the model it names was trained on, was published with other content, or
* a rule that decided over its rows, a contract, a setting or a person's decision, says something else.

Events that arrive late make nothing stale: a night is made of what had arrived by its end. A change of code does not either. Of
what follows from a stale night only that is listed which is stale by now; more may be once the night was run again.
"""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from jobs.ingest import landed_files
from jobs.platform import decisions
from jobs.platform.fingerprints import fingerprint
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.platform.lake import Publication, publications, tables
from jobs.platform.settings import Settings
from schemas.contract import load_contract
from schemas.contract import tables as contracted
from schemas.dependencies import days_read, tables_of_a_night
from schemas.made_from import MODELS

TABLE = "ops.stale_days"
_NIGHT_OF_MODEL = re.compile(r"-(\d{4}-\d{2}-\d{2})-[0-9a-f]{8}$")


@dataclass(frozen=True)
class Stale:
    """A night of a table that a run of now would make otherwise."""

    night: dt.date
    table: str
    reasons: tuple[str, ...]


def stale_days(settings: Settings, until: dt.date) -> list[Stale]:
    """All stale nights up to `until`, by night, and of each night in the order in which a night is made."""
    lake = _Lake(settings)
    found = []
    for table in tables_of_a_night():
        for night, of_night in lake.published[table].items():
            made = of_night[0]
            if night <= until and not made.dropped and (reasons := tuple(lake.reasons(table, made))):
                found.append(Stale(night, table, reasons))
    return sorted(found, key=lambda stale: stale.night)


@dataclass
class _Lake:
    """What was published in the lake, night by night."""

    settings: Settings
    published: dict[str, dict[dt.date, list[Publication]]] = field(init=False)
    """Table -> night -> its publications, the newest first."""
    decided: dict[tuple[dt.date, str], str] = field(init=False)
    """Night and rule -> the decision in force."""

    def __post_init__(self) -> None:
        self.published = {table: defaultdict(list) for table in contracted()}
        for table in tables(self.settings):
            for publication in publications(self.settings.uri(table)):
                self.published[table][publication.day].append(publication)
        found = decisions.in_force(decisions.read_decisions(self.settings))
        self.decided = {
            (night, decisions.fingerprint_name(kind, of)): str(made) for (night, kind, of), made in found.items()
        }

    def reasons(self, table: str, made: Publication) -> Iterator[str]:
        """Why the publication, the last one of its night, is stale."""
        for name, said in made.made_by.get("rules", {}).items():
            if decisions.is_decision_fingerprint(name):
                yield from _decided_otherwise(name, said, self.decided.get((made.day, name), ""))
            elif said != (now := fingerprint(self.settings, name)):
                yield f"the contract of {name} changed" if name in contracted() else f"{name} was {said}, is {now}"
        for feed, digest in made.made_by.get("landed", {}).items():
            # Logs that were cleared away, or are just being laid, have not changed.
            if landed_files.digest(self.settings.landing, feed, made.day) not in ("", digest):
                yield f"the landing of {feed} changed"
        inputs: dict[str, int] = made.made_by.get("inputs", {})
        for read, days in days_read(table, made.day, self.settings.late_days).items():
            yield from self._changed(read, days, inputs.get(read, -1))
        if model := made.made_by.get("model"):
            yield from self._trained_on(model)

    def _trained_on(self, model: str) -> Iterator[str]:
        from jobs.platform import tracking  # MLflow takes seconds to import

        night, training = _NIGHT_OF_MODEL.search(model), tracking.training(self.settings, model)
        if night and training:
            of_night = dt.date.fromisoformat(night[1])
            for read, days in days_read(MODELS + training.name, of_night, self.settings.late_days).items():
                if read in training.inputs:
                    changed = self._changed(read, days, training.inputs[read])
                    yield from (f"{model}: {what}" for what in changed)

    def _changed(self, table: str, days: Iterable[dt.date], since: int) -> Iterator[str]:
        """Says which of the days have other content than at that version of the table; -1 is before there was one."""
        changed = []
        for day in days:
            of_day = self.published.get(table, {}).get(day, [])
            then = next((p.content for p in of_day if p.version <= since), None)
            if of_day and not of_day[0].dropped and of_day[0].content != then:
                changed.append(str(day))
        if changed:
            yield f"{table} of {', '.join(sorted(changed))} changed"


def _decided_otherwise(name: str, said: str, now: str) -> Iterator[str]:
    if said != now:
        yield f"the {name} was {'changed' if said and now else 'withdrawn' if said else 'made'}"


def write(context: JobContext, found: Sequence[Stale]) -> None:
    """Bring the table up to date for the nights up to this one: a commit for each whose rows change."""
    now: dict[dt.date, list[dict[str, object]]] = defaultdict(list)
    for stale in found:
        row = {"date": stale.night, "table_name": stale.table, "reasons": list(stale.reasons)}
        now[stale.night].append(row)
    before = _listed(context)
    for day in sorted(now.keys() | before.keys()):
        if day <= context.date and now[day] != before.get(day, []):
            rows = pa.Table.from_pylist(now[day], load_contract(TABLE).arrow_schema())
            JobContext(day, context.settings, writes=TABLE).lake.write(rows)


def _listed(context: JobContext) -> dict[dt.date, list[dict[str, object]]]:
    found: dict[dt.date, list[dict[str, object]]] = defaultdict(list)
    if context.lake.exists(TABLE):
        for row in (
            context.lake.arrow(TABLE).to_table(columns=[c.name for c in load_contract(TABLE).columns]).to_pylist()
        ):
            found[row["date"]].append(row)
    order = {table: place for place, table in enumerate(tables_of_a_night())}
    return {day: sorted(rows, key=lambda row: order[str(row["table_name"])]) for day, rows in found.items()}


def main(argv: Sequence[str] | None = None) -> None:
    """Bring the table up to date, and print a line for each night and table that is stale."""
    with run_job(argv, __doc__) as context:
        found = stale_days(context.settings, context.date)
        write(context, found)
        for stale in found:
            print(f"{stale.night} {stale.table}: {'; '.join(stale.reasons)}", flush=True)


if __name__ == "__main__":
    main()
