"""Plots of recommenders, as matplotlib figures without a display."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray


def ndcg_plot(curves: Mapping[str, Sequence[float]]) -> Figure:
    """Plot NDCG by cut-off, one line for each model."""
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, curve in curves.items():
        axes.plot(range(1, len(curve) + 1), curve, marker=".", label=name)
    axes.set(xlabel="k", ylabel="NDCG@k", title="NDCG by length of the list", ylim=(0, None))
    axes.legend()
    return figure


def exposure_plot(shown: NDArray[np.integer], watchers: NDArray[np.integer]) -> Figure:
    """Plot the share of the most frequent videos in all recommendations and in all earlier views.

    Args:
        shown: (items,) to how many users each video is recommended.
        watchers: (items,) number of users who watched each video before.
    """
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    for label, counts in {"recommended": shown, "watched before": watchers}.items():
        share = np.cumsum(np.sort(counts)[::-1]) / max(1, counts.sum())
        axes.plot(np.arange(1, len(share) + 1) / len(share), share, label=label)
    axes.set(xlabel="share of videos, the most frequent first", ylabel="share of the total", title="Concentration")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower right")
    return figure


def comparison_plot(metrics: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> Figure:
    """Plot a comparison of models: one panel for each metric, one bar for each model.

    Args:
        metrics: by model, then by metric; the bar of a missing metric has length 0.
        names: metrics to show.
    """
    figure = Figure(figsize=(3.4 * len(names), 0.5 * len(metrics) + 1.6), layout="constrained")
    for panel, (axes, name) in enumerate(zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True)):
        bars = axes.barh(list(metrics), [values.get(name, 0.0) for values in metrics.values()])
        axes.bar_label(bars, fmt="%.4f", padding=3)
        axes.margins(x=0.3)
        axes.invert_yaxis()
        axes.set_title(name)
        if panel:
            axes.set_yticklabels([])
    return figure
