"""The plots of the nightly report, as SVG. Their labels use Latin letters only, which every font has."""

import base64
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, PercentFormatter

from jobs.platform.tracking import ModelVersion

Rows = Sequence[Mapping[str, Any]]

_STYLE: Any = {
    "axes.edgecolor": "#9aa5b1",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.grid.axis": "y",
    "axes.prop_cycle": "cycler('color', ['#2563eb', '#f59e0b', '#10b981', '#ef4444', '#8b5cf6', '#0891b2', '#64748b'])",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "font.size": 9,
    "grid.color": "#e5e9ef",
    "legend.frameon": False,
    "svg.hashsalt": "nightreel",  # otherwise the ids in the file are random
    "text.color": "#1f2933",
    "xtick.color": "#52606d",
    "ytick.color": "#52606d",
}


def nights(rows: Rows) -> str:
    """Plot events and users per night, from `report_data.nights`."""
    with mpl.rc_context(_STYLE):
        figure, (events, users) = _figure(2)
        positions = range(len(rows))
        for axes, name, title in ((events, "events", "Events per night"), (users, "users", "Active users per night")):
            bars = axes.bar(positions, [row[name] for row in rows], width=0.65, color="#bfdbfe")
            bars[-1].set_color("#2563eb")
            axes.yaxis.set_major_formatter(EngFormatter(sep=""))
            axes.set_title(title)
            axes.set_xlim(-0.6, max(len(rows), 7) - 0.4)  # a few bars do not fill the whole width
            _date_ticks(axes, [row["night"] for row in rows])
        return _svg(figure)


def hours(rows: Rows) -> str:
    """Plot views by hour of the night and the mean of the previous days, from `report_data.hours`."""
    with mpl.rc_context(_STYLE):
        figure, (axes,) = _figure(1)
        axes.bar([row["hour"] for row in rows], [row["on_day"] for row in rows], width=0.75, label="this day")
        if any(row["usual"] for row in rows):
            usual = [row["usual"] or 0.0 for row in rows]
            axes.plot(
                [row["hour"] for row in rows],
                usual,
                color="#f59e0b",
                marker="o",
                markersize=3,
                label="mean of the week",
            )
            axes.legend(loc="upper left")
        axes.set_xticks(range(0, 24, 2), [f"{hour:02d}" for hour in range(0, 24, 2)])
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        axes.set_title("Views by hour")
        axes.margins(x=0.01)
        return _svg(figure)


def metrics_by_night(versions: Sequence[ModelVersion], metrics: Sequence[str]) -> str:
    """Plot each metric over the nights, with one line per family. A ring marks promoted versions."""
    with mpl.rc_context(_STYLE):
        figure, all_axes = _figure(len(metrics))
        dates = sorted({version.night for version in versions})
        for axes, metric in zip(all_axes, metrics, strict=True):
            for family in sorted({version.family for version in versions}):
                measured = [v for v in versions if v.family == family and metric in v.metrics]
                positions = [dates.index(v.night) for v in measured]
                values = [v.metrics[metric] for v in measured]
                (line,) = axes.plot(positions, values, marker="o", markersize=4, label=family)
                live = [(dates.index(v.night), v.metrics[metric]) for v in measured if v.promoted]
                axes.plot(
                    *zip(*live, strict=True) if live else ([], []), "o", ms=10, mfc="none", color=line.get_color()
                )
            _date_ticks(axes, dates)
            axes.set_title(metric)
            axes.margins(x=0.1)
        figure.legend(*all_axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        return _svg(figure)


def calibration(by_field: Mapping[str, Rows]) -> str:
    """Plot expected and observed click rates of the values with the most impressions, for each field."""
    with mpl.rc_context(_STYLE):
        figure, all_axes = _figure(len(by_field))
        for axes, (field, groups) in zip(all_axes, by_field.items(), strict=True):
            largest = sorted(groups, key=lambda group: (-group["impressions"], group["value"]))[:8]
            shown = sorted(largest, key=lambda group: (len(group["value"]), group["value"]))  # 2 before 10
            for name, shift in (("observed", -0.2), ("expected", 0.2)):
                rates = [group[name] / group["impressions"] for group in shown]
                axes.bar([position + shift for position in range(len(shown))], rates, width=0.4, label=name)
            names = [group["value"] or "none" for group in shown]
            long = max(map(len, names)) > 3
            axes.set_xticks(range(len(shown)), names, rotation=30 if long else 0, ha="right" if long else "center")
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
            axes.set_title(field)
        figure.legend(*all_axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
        return _svg(figure)


def _figure(count: int) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(10.4, 2.7), layout="constrained")
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def _date_ticks(axes: Axes, dates: Sequence[dt.date]) -> None:
    """Label the positions 0, 1, … with their days: at most nine labels, and always the last day."""
    step = -(-len(dates) // 9)
    positions = range((len(dates) - 1) % step, len(dates), step)
    axes.set_xticks(positions, [f"{dates[position]:%m-%d}" for position in positions])


def _svg(figure: Figure) -> str:
    """Return the figure as the `src` of an HTML image, so its ids cannot collide with those of another plot."""
    svg = io.BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.getvalue()).decode()}"
