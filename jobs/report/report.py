"""Writes the nightly report: one self-contained HTML file, `reports/DATE.html` below NIGHTREEL_FILES."""

import base64
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from infra import durable
from infra.storage import Location
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
# Metrics that are plotted over the nights; the other metrics are only in the night's table.
_PLOTTED = (*recommend_metrics.PLOTTED, *ads_metrics.PLOTTED)
_REQUIRED = ("silver.behavior_events", "silver.videos")


def write_report(context: JobContext) -> Location:
    """Write the night's report atomically, and return its path.

    Raises:
        MissingInput: the night's events or videos were never published.
    """
    for table in _REQUIRED:
        if not context.lake.has_day(table, context.date):
            raise MissingInput(table, context.date, f"run the night first: make nightly DATE={context.date}")
    path = context.settings.reports / f"{context.date}.html"
    durable.write(path, _template().render(template_variables(context.settings, context.date)))
    return path


def template_variables(settings: Settings, date: dt.date) -> dict[str, Any]:
    """Return the variables of the template. They use no data later than `date`, so a rerun gives the same report."""
    lake = connect(settings)
    report_data.create_temp_tables(lake, date)
    nights = report_data.nights(lake, date, _NIGHTS)
    reconciliation = report_data.reconciliation(lake, date)
    categories = report_data.top_categories(lake)
    videos = report_data.top_videos(lake)
    coverage = report_data.coverage(lake, date)
    sheet = _contact_sheet(settings.videos / "contact_sheets", date)
    return {
        "date": date,
        "timezone": settings.timezone.key,
        "figures": _figures(nights, [counts for counts in reconciliation if counts["arrival_date"] == date]),
        "plots": {
            "nights": report_plots.nights(nights),
            "hours": report_plots.hours(report_data.hours(lake, date, settings.timezone)),
        },
        "reconciliation": reconciliation,
        "reasons": rows(lake, REASONS, date),
        "decisions": [
            {"decision": decision, "when": decision.made_at.astimezone(settings.timezone)}
            for decision in decisions.read_decisions(settings, date)
        ],
        "models": _models(settings, date),
        "categories": categories,
        "videos": videos,
        "largest_gains": {"categories": _largest_gain(categories), "videos": _largest_gain(videos)},
        "has_previous_week": any(mover["gain"] is not None for mover in (*categories, *videos)),
        "coverage": coverage[0] if coverage else None,
        "recommended": report_data.most_recommended(lake, date),
        "segments": report_data.segments(lake, date),
        "generated": report_data.generated_videos(lake, date, _NIGHTS),
        "sheet": sheet,
    }


def _figures(
    nights: Sequence[Mapping[str, Any]], reconciliation: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str, str]]:
    """Return the night's key figures: name, value, and the change since the previous night."""
    tonight = nights[-1]
    previous = nights[-2] if len(nights) > 1 else None

    def change(name: str) -> str:
        return f"{tonight[name] / previous[name] - 1:+.1%} on the previous night" if previous and previous[name] else ""

    return [
        ("events", f"{tonight['events']:,}", change("events")),
        ("active users", f"{tonight['users']:,}", change("users")),
        ("videos watched", f"{tonight['videos']:,}", change("videos")),
        ("hours watched", f"{tonight['watch_hours']:,.0f}", change("watch_hours")),
        ("long views", *_shares(tonight)),
        ("rows in quarantine", f"{sum(counts['quarantined'] for counts in reconciliation):,}", ""),
    ]


def _shares(tonight: Mapping[str, Any]) -> tuple[str, str]:
    """Return the share of long views, and a text with the share of late events; a night without events has neither."""
    if not tonight["events"]:
        return "–", ""
    return f"{tonight['long_view_rate']:.1%}", f"{tonight['late']:.1%} of events arrived at least a day late"


def _largest_gain(movers: Sequence[Mapping[str, Any]]) -> float:
    return max((abs(row["gain"]) for row in movers if row["gain"]), default=1.0)


def _models(settings: Settings, date: dt.date) -> list[dict[str, Any]]:
    untrained = {name: tracking.untrained(settings, model.stage, date) for name, model in models().items()}
    history = tracking.history(settings, date - dt.timedelta(days=_NIGHTS - 1), date)
    # If a rerun of the night can no longer train a model, MLflow still has the version of the earlier run.
    history = [v for v in history if v.night != date or v.family not in untrained.get(v.name, {})]
    shown = []
    names = {v.name for v in history if v.night == date} | {name for name, reasons in untrained.items() if reasons}
    for name in sorted(names):
        stage = models()[name].stage if name in models() else name
        versions = [version for version in history if version.name == name]
        tonight = [version for version in versions if version.night == date]
        measured = {metric for version in versions for metric in version.metrics}
        metrics = [metric for metric in METRICS if metric in measured] or sorted(measured)[:5]
        plotted = [metric for metric in _PLOTTED if metric in measured]
        verdict = _json_artifact(settings, f"{stage}/promote", date, "verdict.json")
        ranked = sorted(tonight, key=lambda version: (not version.promoted, version.metrics.get("log_loss", 0.0)))
        best = ranked[0] if ranked else None
        groups = _json_artifact(settings, f"{stage}/{best.family}", date, "calibration_by_field.json") if best else {}
        by_field = {field: values for field, values in groups.items() if len(values) > 1}  # one value needs no plot
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


def _json_artifact(settings: Settings, key: str, date: dt.date, file: str) -> dict[str, Any]:
    """Return a JSON artifact of a run; empty if it does not exist."""
    path = tracking.artifact(settings, key, date, file)
    return json.loads(path.read_text(encoding="utf-8")) if path else {}


def _contact_sheet(folder: Location, date: dt.date) -> dict[str, str] | None:
    """Return the latest contact sheet up to the night. The night's own videos are generated after its report."""
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
    """Write the report and print its path."""
    with run_job(argv, __doc__) as context:
        print(write_report(context))


if __name__ == "__main__":
    main()
