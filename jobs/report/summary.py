"""Prints the summary of a night: tables, quarantine, decisions, models, videos, durations, and where to look next."""

import datetime as dt
import json
import textwrap
import unicodedata
from collections import Counter
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
_MAX_REASONS = 5
_MAX_VIDEOS = 10
METRICS = (*recommend_metrics.COMPARED, *ads_metrics.COMPARED)
"""The metrics that are shown of a model, if it has them."""

REASONS = """
    -- The text after the colon is the row's value, which differs from row to row.
    select source, split_part(text, ':', 1) as reason, count(*) as rows,
           min(concat(log_file, ' line ', log_line)) as example
    from silver.quarantine, unnest(reasons) as reason(text)
    where arrival_date = ?
    group by all
    order by rows desc, source, reason
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Print the summary section by section, each as soon as it is known."""
    with run_job(argv, __doc__) as context:
        for line in summary(context.settings, context.date):
            print(line, flush=True)


def summary(settings: Settings, date: dt.date) -> Iterator[str]:
    """Yield the lines of a night's summary, at most 100 columns wide.

    Raises:
        MissingInput: no table has that day.
    """
    days = table_days(settings, date)
    context = JobContext(date, settings)
    if not any(day.rows or context.lake.has_day(day.table, date) for day in days):
        raise MissingInput(f"the lake has no data of {date}", hint=f"run the night first: make nightly DATE={date}")
    lake = connect(settings)
    yield f"Night of {date}"
    yield from _section("Tables", "of the night; the hash does not depend on the order of rows")
    cells = [(d.table, f"{d.rows:,}", f"{d.total:,}", str(d.version), d.digest if d.rows else "-") for d in days]
    yield from align_columns([("table", "rows", "total rows", "version", "content hash"), *cells], right=(1, 2, 3))
    yield from _quarantine(lake, date)
    yield from _decisions(settings, date)
    yield from _models(settings, date)
    yield from _videos(settings, lake, date)
    yield from _durations(settings, date)
    yield from _next_steps(settings, date)


def align_columns(lines: Sequence[Sequence[str]], right: Iterable[int] = ()) -> Iterator[str]:
    """Yield lines of cells as text with aligned columns. The columns in `right` are right-aligned."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    right_aligned = set(right)
    for line in lines:
        columns = enumerate(zip(line, widths, strict=True))
        cells = (cell.rjust(w) if i in right_aligned else cell.ljust(w) for i, (cell, w) in columns)
        yield f"  {'  '.join(cells)}".rstrip()


def _section(title: str, remark: str = "") -> Iterator[str]:
    yield ""
    yield f"{f'{title} ({remark})' if remark else title} ".ljust(WIDTH, "-")


def _quarantine(lake: duckdb.DuckDBPyConnection, date: dt.date) -> Iterator[str]:
    yield from _section("Quarantine", "a row may have several reasons")
    for counts in rows(lake, "select * from ops.reconciliation where arrival_date = ?", date):
        erased = f", {counts['erased']:,} erased" if counts.get("erased") else ""
        yield (
            f"  {counts['source']}: {counts['lines_in']:,} lines, {counts['rows_out']:,} rows, "
            f"{counts['duplicates']:,} duplicates, {counts['quarantined']:,} in quarantine{erased}"
        )
    yield from _unused_columns(lake, date)
    reasons = rows(lake, REASONS, date)
    yield from () if reasons else ["  no row"]
    for reason in reasons[:_MAX_REASONS]:
        yield f"  {reason['rows']:>8,}  {reason['source']}: {reason['reason']}"[:WIDTH]
        yield f"            e.g. {reason['example']}"[:WIDTH]
    if len(reasons) > _MAX_REASONS:
        rest = sum(reason["rows"] for reason in reasons[_MAX_REASONS:])
        yield f"  {rest:>8,}  for {len(reasons) - _MAX_REASONS} other reasons"


def _unused_columns(lake: duckdb.DuckDBPyConnection, date: dt.date) -> Iterator[str]:
    """Yield a line with the log's columns that no job uses. Bronze tables of earlier versions have no column `fields`."""
    if rows(lake, "select 1 from (describe bronze.behavior_log) where column_name = 'fields'"):
        query = "select distinct unnest(json_keys(fields)) as name from bronze.behavior_log where arrival_date = ?"
        unused = sorted({row["name"] for row in rows(lake, query, date)} - set(NIGHTLY[BEHAVIOR_LOGS].columns))
        if unused:
            yield f"  the log has columns that no job uses; bronze keeps them: {', '.join(unused)}"


def _decisions(settings: Settings, date: dt.date) -> Iterator[str]:
    record = decisions.read_decisions(settings, date)
    yield from _section("Decisions", "of operators about this night") if record else ()
    for decision in record:
        when = decision.made_at.astimezone(settings.timezone)
        rest = f"  {when:%Y-%m-%d %H:%M}  {'withdrawn: ' if decision.withdrawn else ''}{decision}"
        while rest:  # not textwrap: Chinese text has no blanks to break at
            yield (line := _cut(rest))
            rest = " " * 20 + rest[len(line) :].lstrip() if len(line) < len(rest) else ""


def _models(settings: Settings, date: dt.date) -> Iterator[str]:
    from jobs.platform import tracking  # MLflow takes seconds to import; the sections above are printed before

    yield from _section("Models", "judged on the night")
    untrained = {name: tracking.untrained(settings, model.stage, date) for name, model in models().items()}
    trained = [v for v in tracking.history(settings, date, date) if v.family not in untrained.get(v.name, {})]
    yield from () if trained else ["  none trained"]
    for name, reasons in untrained.items():
        yield from (f"  {name}: {family} was not trained: {reason}"[:WIDTH] for family, reason in reasons.items())
        if reasons and (
            verdict := tracking.artifact(settings, f"{models()[name].stage}/promote", date, "verdict.json")
        ):
            reason = json.loads(verdict.read_text(encoding="utf-8"))["reason"]
            yield from textwrap.wrap(f"{name}: {reason}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    for name in dict.fromkeys(version.name for version in trained):
        versions = [version for version in trained if version.name == name]
        measured = {metric for version in versions for metric in version.metrics}
        metrics = [metric for metric in METRICS if metric in measured] or sorted(measured)[:5]
        cells = [
            [v.version, *(f"{v.metrics[m]:.4f}" if m in v.metrics else "-" for m in metrics), "promoted" * v.promoted]
            for v in versions
        ]
        yield from align_columns([[name, *metrics, ""], *cells], right=range(1, len(metrics) + 1))


def _videos(settings: Settings, lake: duckdb.DuckDBPyConnection, date: dt.date) -> Iterator[str]:
    # All columns, because tables of earlier versions lack some.
    requests = rows(lake, "select * from gold.video_requests where date = ?", date)
    outcomes = rows(lake, "select * from gold.generated_videos where date = ? order by path, request_id", date)
    became = Counter(row.get("outcome") or "made" for row in outcomes)
    videos = [row for row in outcomes if (row.get("outcome") or "made") == "made"]
    refused = became["refused"] + sum(request.get("refusal") is not None for request in requests)
    yield from _section("Videos", f"{len(videos)}, in {settings.videos}" if videos else "")
    if refused or len(outcomes) > len(videos):
        total = refused + len(outcomes) - became["refused"]
        yield f"  of {total} requests {refused} were refused, {became['failed']} failed and {became['waiting']} wait"
    if became["waiting"]:
        yield f"  to see those that wait and decide about them: make review DATE={date}"
    yield from () if videos else ["  none generated"]
    own = [video for video in videos if video.get("user_id") is None]  # the text of a user is shown nowhere
    yield from (_cut(f"  {video['path']}  {video['prompt']}") for video in own[:_MAX_VIDEOS])
    if len(videos) > len(own[:_MAX_VIDEOS]):
        yield f"  and {len(videos) - len(own[:_MAX_VIDEOS])} more"


def _durations(settings: Settings, date: dt.date) -> Iterator[str]:
    measured = settings.home / "run" / "durations" / f"{date}.json"
    if not measured.exists():
        return
    tasks: dict[str, float] = json.loads(measured.read_text(encoding="utf-8"))
    yield from _section("Time", "seconds, by stage; tasks of a stage run in parallel")
    stages: dict[str, dict[str, float]] = {}
    for task, seconds in tasks.items():
        stage, _, name = task.rpartition(".")
        stages.setdefault(stage or "text_to_video", {})[name] = seconds
    for stage, stage_tasks in stages.items():
        slowest_first = sorted(stage_tasks.items(), key=lambda item: -item[1])
        total = sum(stage_tasks.values())
        line = f"{stage:14} {total:6.0f}  " + ", ".join(f"{name} {s:.0f}" for name, s in slowest_first)
        yield from textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent=" " * 25)


def _cut(line: str) -> str:
    """Return as much of a line as fits; wide characters, e.g. Chinese ones, take two columns."""
    columns = accumulate(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)
    return line[: sum(column <= WIDTH for column in columns)]


def _next_steps(settings: Settings, date: dt.date) -> Iterator[str]:
    yield from _section("Where to look next")
    files = {
        "report": settings.reports / f"{date}.html",
        "contact sheet": settings.videos / "contact_sheets" / f"{date}.png",
    }
    yield from (f"  {name:14} {path}" for name, path in files.items() if path.exists())
    yield '  any table      make sql Q="select * from gold.recommendations limit 5"'
    yield "  all tables     make docs"
    yield "  all runs       make up (Airflow and MLflow)"


if __name__ == "__main__":
    main()
