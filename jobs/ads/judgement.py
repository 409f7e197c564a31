"""Evaluation of a click model on a stream of examples."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from jobs.ads.examples import ExampleStream, to_examples, to_labels
from models.ads.examples import Examples
from models.ads.metrics import GroupCalibration, calibration_by, click_metrics, field_calibration_error

CALIBRATION_FIELDS = ("tab", "hour", "video_type", "user_active_degree")
"""Fields whose values are checked for calibration separately."""


class Predictor(Protocol):
    """Anything that predicts click probabilities."""

    def predict_proba(self, examples: Examples) -> NDArray[np.float64]:
        """Return click probabilities, shape (rows,)."""


@dataclass(frozen=True)
class Judgement:
    """Predictions with labels; all arrays have shape (rows,).

    Attributes:
        labels: 0 or 1.
        probabilities: predicted.
        users: the user of each impression, as 32 bytes.
        groups: values of `CALIBRATION_FIELDS`, by field.
    """

    labels: NDArray[np.uint8]
    probabilities: NDArray[np.float64]
    users: NDArray[np.bytes_]
    groups: dict[str, NDArray[np.str_]]

    def metrics(self) -> dict[str, float]:
        """Return AUC, GAUC, log-loss, calibration, ECE and the calibration error of each field, without undefined values."""
        metrics = click_metrics(self.labels, self.probabilities, self.users)
        for name, values in self.groups.items():
            metrics[f"calibration_error_{name}"] = field_calibration_error(self.labels, self.probabilities, values)
        return {name: value for name, value in metrics.items() if np.isfinite(value)}

    def calibration_by_field(self) -> dict[str, list[GroupCalibration]]:
        """Return expected and observed clicks for each value of each field."""
        return {name: calibration_by(self.labels, self.probabilities, values) for name, values in self.groups.items()}


def judge(model: Predictor, stream: ExampleStream) -> Judgement:
    """Predict a stream batch by batch; only the arrays of `Judgement` are kept in memory.

    Raises:
        ValueError: the stream has no rows.
    """
    labels, probabilities, users = [], [], []
    groups: dict[str, list[NDArray[np.str_]]] = {name: [] for name in CALIBRATION_FIELDS}
    for rows in stream.record_batches([*stream.fields.names, "label", "user_id"]):
        examples = to_examples(rows, stream.fields)
        labels.append(to_labels(rows))
        probabilities.append(model.predict_proba(examples))
        users.append(np.asarray(rows["user_id"], dtype=np.bytes_))
        for name, values in groups.items():
            values.append(examples.categorical[name])
    if not labels:
        raise ValueError("no examples to evaluate a model on")
    return Judgement(
        np.concatenate(labels),
        np.concatenate(probabilities),
        np.concatenate(users),
        {name: np.concatenate(values) for name, values in groups.items()},
    )
