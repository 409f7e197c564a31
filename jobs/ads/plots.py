"""Plots of click models, as matplotlib figures without a display."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jobs.ads.judgement import Judgement
from models.ads.metrics import reliability

if TYPE_CHECKING:
    from models.ads.training import EpochLosses  # imports torch


def loss_plot(history: "Sequence[EpochLosses]") -> Figure:
    """Plot the log-loss of each epoch, on the training part and on the holdout."""
    figure, axes = _figure()
    epochs = range(1, len(history) + 1)
    axes.plot(epochs, [losses.train_log_loss for losses in history], marker="o", label="training part")
    axes.plot(epochs, [losses.holdout_log_loss for losses in history], marker="o", label="holdout")
    axes.set(xlabel="epoch", ylabel="log-loss (nats)", title="Loss by epoch", xticks=list(epochs))
    axes.legend()
    return figure


def calibration_plot(judgements: Mapping[str, Judgement]) -> Figure:
    """Plot the click rate over the predicted probability, by tenths of the impressions, one line for each model."""
    figure, axes = _figure()
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", label="calibrated")
    highest = 0.0
    for name, judgement in judgements.items():
        predicted, observed, _ = reliability(judgement.labels, judgement.probabilities)
        axes.plot(predicted, observed, marker="o", label=name)
        highest = max(highest, predicted.max(), observed.max())
    axes.set(
        xlabel="predicted click probability",
        ylabel="click rate",
        title="Calibration",
        xlim=(0, 1.05 * highest),
        ylim=(0, 1.05 * highest),
    )
    axes.legend()
    return figure


def comparison_plot(metrics: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> Figure:
    """Plot a comparison of models: one panel for each metric, one bar for each model, each panel with its own range.

    Args:
        metrics: by model, then by metric; a model without a metric has no bar in its panel.
        names: metrics to show.
    """
    figure = Figure(figsize=(3 + 2.6 * len(names), 0.5 * len(metrics) + 1.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), sharey=True, squeeze=False)[0], names, strict=True):
        shown = {model: values[name] for model, values in metrics.items() if name in values}
        if shown:
            bars = axes.barh(list(shown), list(shown.values()), color="tab:blue")
            axes.bar_label(bars, fmt="%.4f", padding=3)
            low, high = min(shown.values()), max(shown.values())
            margin = 0.3 * (high - low) or 0.1
            axes.set_xlim(low - margin, high + 2 * margin)
        axes.set_title(name)
    return figure


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    return figure, figure.subplots()
