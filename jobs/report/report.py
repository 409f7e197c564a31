"""Writes the nightly report: one HTML file, `reports/DATE.html` below NIGHTREEL_HOME, that needs nothing beside it."""

import base64
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from infra import durable
from jobs.platform import decisions, tracking
from jobs.platform.errors import MissingInput
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.platform.settings import Settings
from jobs.query.duckdb_views import connect, rows
from jobs.report import report_data, report_plots
from jobs.report.summary import METRICS, REASONS
from models.ads import metrics as ads_metrics
from models.recommend import metrics as recommend_metrics
from schemas.models import models

_NIGHTS = 28
# Of the nights; the other metrics stand in the table of the night.
_PLOTTED = (*recommend_metrics.PLOTTED, *ads_metrics.PLOTTED)
_NEEDED = ("silver.behavior_events", "silver.videos")


def write_report(context: JobContext) -> Path:
    """Write the night's report, as a whole or not at all.

    Raises:
        MissingInput: the night's events or videos were never published.
    """
    for table in _NEEDED:
        if not context.lake.has_day(table, context.date):
            raise MissingInput(table, context.date, f"run the night first: make nightly DATE={context.date}")
    path = context.settings.home / "reports" / f"{context.date}.html"
    durable.write(path, _template().render(content(context.settings, context.date)))
    return path


def content(settings: Settings, date: dt.date) -> dict[str, Any]:
    """What the template shows. Nothing later than `date` is looked at, so a report made again says the same."""
    lake = connect(settings)
    report_data.catalogue(lake, date)
    nights = report_data.nights(lake, date, _NIGHTS)
    books = report_data.books(lake, date)
    categories = report_data.categories_that_moved(lake)
    videos = report_data.videos_that_gained(lake)
    covered = report_data.coverage(lake, date)
    sheet = _contact_sheet(settings.videos / "contact_sheets", date)
    return {
        "date": date,
        "timezone": settings.timezone.key,
        "figures": _figures(nights, [book for book in books if book["arrival_date"] == date]),
        "plots": {
            "nights": report_plots.nights(nights),
            "hours": report_plots.hours(report_data.hours(lake, date, settings.timezone)),
        },
        "books": books,
        "reasons": rows(lake, REASONS, date),
        "decisions": [
            {"made": made, "when": made.made_at.astimezone(settings.timezone)}
            for made in decisions.read_decisions(settings, date)
        ],
        "models": _models(settings, date),
        "categories": categories,
        "videos": videos,
        "most": {"categories": _largest_gain(categories), "videos": _largest_gain(videos)},
        "has_week_before": any(moved["gain"] is not None for moved in (*categories, *videos)),
        "coverage": covered[0] if covered else None,
        "recommended": report_data.recommended_most(lake, date),
        "segments": report_data.segments(lake, date),
        "sheet": sheet,
    }


def _figures(nights: Sequence[Mapping[str, Any]], books: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """The night at a glance: name, figure, and how it compares with the night before."""
    tonight = nights[-1]
    before = nights[-2] if len(nights) > 1 else None

    def change(name: str) -> str:
        return f"{tonight[name] / before[name] - 1:+.1%} on the night before" if before and before[name] else ""

    return [
        ("events", f"{tonight['events']:,}", change("events")),
        ("active users", f"{tonight['users']:,}", change("users")),
        ("videos watched", f"{tonight['videos']:,}", change("videos")),
        ("hours watched", f"{tonight['watch_hours']:,.0f}", change("watch_hours")),
        ("long views", *_shares(tonight)),
        ("rows in quarantine", f"{sum(book['quarantined'] for book in books):,}", ""),
    ]


def _shares(tonight: Mapping[str, Any]) -> tuple[str, str]:
    """The share of long views, and that of late events in words; nothing of nothing is no share."""
    if not tonight["events"]:
        return "–", ""
    return f"{tonight['long_view_rate']:.1%}", f"{tonight['late']:.1%} of events came a day late or more"


def _largest_gain(moved: Sequence[Mapping[str, Any]]) -> float:
    return max((abs(row["gain"]) for row in moved if row["gain"]), default=1.0)


def _models(settings: Settings, date: dt.date) -> list[dict[str, Any]]:
    untrained = {name: tracking.untrained(settings, model.stage, date) for name, model in models().items()}
    history = tracking.history(settings, date - dt.timedelta(days=_NIGHTS - 1), date)
    # A night that was run again and can no longer train a model still has the version of before.
    history = [v for v in history if v.night != date or v.family not in untrained.get(v.name, {})]
    shown = []
    for name in sorted({v.name for v in history if v.night == date} | {name for name, of in untrained.items() if of}):
        stage = models()[name].stage if name in models() else name
        versions = [version for version in history if version.name == name]
        tonight = [version for version in versions if version.night == date]
        known = {metric for version in versions for metric in version.metrics}
        metrics = [metric for metric in METRICS if metric in known] or sorted(known)[:5]
        plotted = [metric for metric in _PLOTTED if metric in known]
        verdict = _kept(settings, f"{stage}/promote", date, "verdict.json")
        ranked = sorted(tonight, key=lambda version: (not version.promoted, version.metrics.get("log_loss", 0.0)))
        best = ranked[0] if ranked else None
        groups = _kept(settings, f"{stage}/{best.family}", date, "calibration_by_field.json") if best else {}
        by_field = {field: values for field, values in groups.items() if len(values) > 1}  # a lone value shows no more
        several_nights = len({version.night for version in versions}) > 1
        shown.append(
            {
                "name": name,
                "versions": tonight,
                "not_trained": untrained.get(name, {}),
                "metrics": metrics,
                "verdict": verdict.get("reason"),
                "plot": report_plots.metrics_by_night(versions, plotted) if plotted and several_nights else None,
                "calibrated": best and best.version,
                "calibration": report_plots.calibration(by_field) if by_field else None,
            }
        )
    return shown


def _kept(settings: Settings, key: str, date: dt.date, file: str) -> dict[str, Any]:
    """A JSON document that a run has kept, empty where there is none."""
    path = tracking.artifact(settings, key, date, file)
    return json.loads(path.read_text(encoding="utf-8")) if path else {}


def _contact_sheet(folder: Path, date: dt.date) -> dict[str, str] | None:
    """The latest contact sheet up to the night, whose own videos are generated after its report."""
    latest = max((path for path in folder.glob("????-??-??.png") if path.stem <= str(date)), default=None)
    if latest is None:
        return None
    return {"date": latest.stem, "image": f"data:image/png;base64,{base64.b64encode(latest.read_bytes()).decode()}"}


def _template() -> jinja2.Template:
    path = Path(__file__).with_name("report.html.j2")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(path.name)


def main(argv: Sequence[str] | None = None) -> None:
    """Print where the report lies."""
    with run_job(argv, __doc__) as context:
        print(write_report(context))


if __name__ == "__main__":
    main()
