"""Prints what a night has made: tables, quarantine, models, videos, how long it took, and how to look at it all."""

import datetime as dt
import json
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

import duckdb

from jobs.backfill.table_days import table_days
from jobs.ingest.feeds import BEHAVIOR_LOGS, NIGHTLY
from jobs.platform import decisions
from jobs.platform.errors import MissingInput
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.platform.settings import Settings
from jobs.query.duckdb_views import connect, rows
from models.ads import metrics as ads_metrics
from models.recommend import metrics as recommend_metrics
from schemas.models import models

WIDTH = 100
_REASONS = 5
_VIDEOS = 10
METRICS = (*recommend_metrics.COMPARED, *ads_metrics.COMPARED)
"""What is shown of a model, of that which it was judged by."""

REASONS = """
    -- The text after a colon is the value found, which differs from row to row.
    select source, split_part(text, ':', 1) as reason, count(*) as rows,
           min(concat(log_file, ' line ', log_line)) as example
    from silver.quarantine, unnest(reasons) as reason(text)
    where arrival_date = ?
    group by all
    order by rows desc, source, reason
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Print the summary section by section, as each is found out."""
    with run_job(argv, __doc__) as context:
        for line in summary(context.settings, context.date):
            print(line, flush=True)


def summary(settings: Settings, date: dt.date) -> Iterator[str]:
    """The lines of a night's summary, at most 100 columns wide.

    Raises:
        MissingInput: no table has that day.
    """
    days = table_days(settings, date)
    context = JobContext(date, settings)
    if not any(day.rows or context.lake.has_day(day.table, date) for day in days):
        raise MissingInput(f"the lake has nothing of {date}", hint=f"run the night first: make nightly DATE={date}")
    lake = connect(settings)
    yield f"Night of {date}"
    yield from _section("Tables", "of the night; the hash is of its rows, in any order")
    cells = [(d.table, f"{d.rows:,}", f"{d.total:,}", str(d.version), d.digest if d.rows else "-") for d in days]
    yield from aligned([("table", "rows", "rows in all", "version", "content hash"), *cells], right=(1, 2, 3))
    yield from _quarantine(lake, date)
    yield from _decisions(settings, date)
    yield from _models(settings, date)
    yield from _videos(settings, lake, date)
    yield from _durations(settings, date)
    yield from _look(settings, date)


def aligned(lines: Sequence[Sequence[str]], right: Iterable[int] = ()) -> Iterator[str]:
    """Lines of cells as text with straight columns; those in `right` are set to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    flush = set(right)
    for line in lines:
        cells = (c.rjust(w) if i in flush else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        yield f"  {'  '.join(cells)}".rstrip()


def _section(title: str, remark: str = "") -> Iterator[str]:
    yield ""
    yield f"{f'{title} ({remark})' if remark else title} ".ljust(WIDTH, "-")


def _quarantine(lake: duckdb.DuckDBPyConnection, date: dt.date) -> Iterator[str]:
    yield from _section("Quarantine", "a row may have several reasons")
    books = rows(lake, "select * from ops.reconciliation where arrival_date = ?", date)
    for book in books:
        erased = f", {book['erased']:,} erased" if book.get("erased") else ""
        yield (
            f"  {book['source']}: {book['lines_in']:,} lines, {book['rows_out']:,} rows, {book['duplicates']:,} duplicates, "
            + (f"{book['quarantined']:,} in quarantine{erased}")
        )
    yield from _more_columns(lake, date)
    grouped = rows(lake, REASONS, date)
    yield from () if grouped else ["  no row"]
    for found in grouped[:_REASONS]:
        yield f"  {found['rows']:>8,}  {found['source']}: {found['reason']}"[:WIDTH]
        yield f"            e.g. {found['example']}"[:WIDTH]
    if len(grouped) > _REASONS:
        rest = sum(found["rows"] for found in grouped[_REASONS:])
        yield f"  {rest:>8,}  for {len(grouped) - _REASONS} other reasons"


def _more_columns(lake: duckdb.DuckDBPyConnection, date: dt.date) -> Iterator[str]:
    """What the log has that nobody reads yet; a table of before that was kept does not tell."""
    if rows(lake, "select 1 from (describe bronze.behavior_log) where column_name = 'fields'"):
        query = "select distinct unnest(json_keys(fields)) as name from bronze.behavior_log where arrival_date = ?"
        more = sorted({found["name"] for found in rows(lake, query, date)} - set(NIGHTLY[BEHAVIOR_LOGS].columns))
        if more:
            yield f"  the log has columns that nobody reads yet, bronze keeps them: {', '.join(more)}"


def _decisions(settings: Settings, date: dt.date) -> Iterator[str]:
    record = decisions.read_decisions(settings, date)
    yield from _section("Decisions", "of people, on this night") if record else ()
    for made in record:
        when = made.made_at.astimezone(settings.timezone)
        rest = f"  {when:%Y-%m-%d %H:%M}  {'withdrawn: ' if made.withdrawn else ''}{made}"
        while rest:  # Chinese has no blanks to break it at
            yield (line := _cut(rest))
            rest = " " * 20 + rest[len(line) :].lstrip() if len(line) < len(rest) else ""


def _models(settings: Settings, date: dt.date) -> Iterator[str]:
    from jobs.platform import tracking  # MLflow takes seconds to import, and the tables are worth seeing before

    yield from _section("Models", "judged on the night")
    untrained = {name: tracking.untrained(settings, model.stage, date) for name, model in models().items()}
    trained = [v for v in tracking.history(settings, date, date) if v.family not in untrained.get(v.name, {})]
    yield from () if trained else ["  none trained"]
    for name, reasons in untrained.items():
        yield from (f"  {name}: {family} was not trained: {reason}"[:WIDTH] for family, reason in reasons.items())
        if reasons and (
            verdict := tracking.artifact(settings, f"{models()[name].stage}/promote", date, "verdict.json")
        ):
            said = json.loads(verdict.read_text(encoding="utf-8"))["reason"]
            yield from textwrap.wrap(f"{name}: {said}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    for name in dict.fromkeys(version.name for version in trained):
        versions = [version for version in trained if version.name == name]
        known = {metric for version in versions for metric in version.metrics}
        metrics = [metric for metric in METRICS if metric in known] or sorted(known)[:5]
        cells = [
            [v.version, *(f"{v.metrics[m]:.4f}" if m in v.metrics else "-" for m in metrics), "promoted" * v.promoted]
            for v in versions
        ]
        yield from aligned([[name, *metrics, ""], *cells], right=range(1, len(metrics) + 1))


def _videos(settings: Settings, lake: duckdb.DuckDBPyConnection, date: dt.date) -> Iterator[str]:
    made = rows(lake, "select path, prompt from gold.generated_videos where date = ? order by path", date)
    yield from _section("Videos", f"{len(made)}, in {settings.videos}" if made else "")
    yield from () if made else ["  none made"]
    yield from (_cut(f"  {video['path']}  {video['prompt']}") for video in made[:_VIDEOS])
    if len(made) > _VIDEOS:
        yield f"  and {len(made) - _VIDEOS} more"


def _durations(settings: Settings, date: dt.date) -> Iterator[str]:
    measured = settings.home / "run" / "durations" / f"{date}.json"
    if not measured.exists():
        return
    tasks: dict[str, float] = json.loads(measured.read_text(encoding="utf-8"))
    yield from _section("Time", "seconds, by stage; tasks of a stage run side by side")
    stages: dict[str, dict[str, float]] = {}
    for task, seconds in tasks.items():
        stage, _, name = task.rpartition(".")
        stages.setdefault(stage or "text_to_video", {})[name] = seconds
    for stage, of_stage in stages.items():
        slowest_first = sorted(of_stage.items(), key=lambda item: -item[1])
        line = f"{stage:14} {sum(of_stage.values()):6.0f}  " + ", ".join(f"{name} {s:.0f}" for name, s in slowest_first)
        yield from textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent=" " * 25)


def _cut(line: str) -> str:
    """As much of a line as fits, where Chinese characters are two columns wide."""
    columns = accumulate(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)
    return line[: sum(column <= WIDTH for column in columns)]


def _look(settings: Settings, date: dt.date) -> Iterator[str]:
    yield from _section("Look")
    made = {
        "report": settings.home / "reports" / f"{date}.html",
        "contact sheet": settings.videos / "contact_sheets" / f"{date}.png",
    }
    yield from (f"  {name:14} {path}" for name, path in made.items() if path.exists())
    yield '  any table      make sql Q="select * from gold.recommendations limit 5"'
    yield "  all tables     make docs"
    yield "  all runs       make up (Airflow and MLflow)"


if __name__ == "__main__":
    main()
