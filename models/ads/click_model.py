"""Interface of click models: fit, predict_proba, save, load."""

import copy
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from models.ads.calibration import PlattScaling
from models.ads.encoded_examples import EncodedExamples, tensors
from models.ads.encoder import Encoder, EncoderConfig
from models.ads.examples import Batch, Examples, Fields
from models.ads.training import EpochLosses, TrainingConfig, logits, reproducible, train
from models.processes import of_all

_PREDICTION_ROWS = 16_384
_STATE, _WEIGHTS = "model.json", "weights.safetensors"
_OLD_KEYS = {
    "rounds": "epochs",
    "round_examples": "examples_per_epoch",
    "weight_decay": "regularization",
    "embedding_decay": "embedding_regularization",
    "rng": "seed",
    "hidden": "hidden_sizes",
}
"""Hyperparameters in older model.json files -> their names today."""


@dataclass(frozen=True)
class ClickModelConfig:
    """Hyperparameters of every click model; each model adds its own."""

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


class ClickModel(ABC):
    """Base class: predicts the probability that an impression is clicked, calibrated on held-out examples if that helps.

    Attributes:
        history: losses of each epoch of the last :meth:`fit`; empty after :meth:`load`.
    """

    name: ClassVar[str]
    config_type: ClassVar[type[ClickModelConfig]]

    def __init__(self, fields: Fields, config: ClickModelConfig | None = None) -> None:
        self.fields = fields
        self.config = config or self.config_type()
        self.history: list[EpochLosses] = []
        self.scaling = PlattScaling()
        self._encoder: Encoder | None = None
        self._network: nn.Module | None = None

    @abstractmethod
    def build(self, encoder: Encoder, initial_logit: float) -> nn.Module:
        """Return an untrained network: (dense, codes, bags) to logits of shape (rows,), all near ``initial_logit``."""

    def fit(self, train_part: Iterable[Batch], holdout: Sequence[Iterable[Batch]]) -> Self:
        """Fit encoder, weights and calibration; the same rows in any order give the same model.

        Several processes fit one model together if `torch.distributed` is initialised, each with its own examples.

        Args:
            train_part: iterated twice, so every iteration has to start from the beginning.
            holdout: other examples, one iterable for each day; used for early stopping and calibration.

        Raises:
            ValueError: a part is empty, or all labels of the holdout are equal.
        """
        encoder = Encoder.fit(train_part, self.fields, self.config.encoder)
        with TemporaryDirectory() as folder, reproducible(self.config.training.seed):
            train_folder, holdout_folder = Path(folder, "train"), Path(folder, "holdout")
            train_folder.mkdir()
            holdout_folder.mkdir()
            days: list[NDArray[np.int64]] = []
            holdout_rows = EncodedExamples.write(_noting_days(holdout, days), encoder, holdout_folder)
            holdout_labels = np.concatenate(of_all(holdout_rows.labels))
            if holdout_labels.min() == holdout_labels.max():
                raise ValueError(
                    f"all {len(holdout_labels)} holdout examples have label {holdout_labels[0]}; both labels are needed"
                )
            train_rows = EncodedExamples.write(train_part, encoder, train_folder)
            labels = of_all((int(train_rows.labels.sum()), len(train_rows)))
            network = self.build(encoder, initial_logit=_log_odds(*map(sum, zip(*labels, strict=True))))
            self.history = train(network, train_rows, holdout_rows, self.config.training)
            holdout_days = np.concatenate(of_all(np.concatenate(days)[holdout_rows.order]))
            holdout_logits = np.concatenate(of_all(logits(network, holdout_rows)))
            self.scaling = PlattScaling.fit_if_it_helps(holdout_logits, holdout_labels, holdout_days)
        self._encoder, self._network = encoder, network
        return self

    @torch.inference_mode()
    def predict_proba(self, examples: Examples) -> NDArray[np.float64]:
        """Return calibrated click probabilities, shape (rows,).

        The network computes them in double precision: in single precision the probability of a row depends on the other rows
        of its batch, from the eighth digit on.

        Raises:
            RuntimeError: the model is not fitted.
        """
        encoder, network = self._fitted()
        network = copy.deepcopy(network).double().eval()
        dense, codes, bags = tensors(encoder.encode(examples))
        inputs = (dense.double(), codes, bags)
        with reproducible(0):
            parts = [network(*part).numpy() for part in zip(*(t.split(_PREDICTION_ROWS) for t in inputs), strict=True)]
        return self.scaling.apply(np.concatenate(parts))

    def save(self, directory: Path) -> None:
        """Write ``model.json`` and ``weights.safetensors`` into an existing directory.

        Raises:
            RuntimeError: the model is not fitted.
        """
        encoder, network = self._fitted()
        save_file({key: value.contiguous() for key, value in network.state_dict().items()}, directory / _WEIGHTS)
        state = {
            "model": self.name,
            "config": asdict(self.config),
            "encoder": encoder.to_json(),
            "scaling": asdict(self.scaling),
        }
        (directory / _STATE).write_text(json.dumps(state, ensure_ascii=False, sort_keys=True), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load a model that :meth:`save` wrote.

        Raises:
            ValueError: the directory contains another kind of model, or no complete model.
        """
        state = read_state(directory)
        if state["model"] != cls.name:
            raise ValueError(f"{directory} contains a {state['model']}, not a {cls.name}")
        encoder = Encoder.from_json(state["encoder"])
        model = cls(encoder.fields, cls._config(state["config"]))
        model.scaling = PlattScaling(**state["scaling"])
        with reproducible(0):
            network = model.build(encoder, initial_logit=0.0)
        try:
            network.load_state_dict(load_file(directory / _WEIGHTS))
        except (OSError, RuntimeError, SafetensorError) as error:
            raise ValueError(f"{directory} contains no complete click model: {error}") from error
        model._encoder, model._network = encoder, network
        return model

    @classmethod
    def _config(cls, state: dict[str, Any]) -> ClickModelConfig:
        training = {_OLD_KEYS.get(key, key): value for key, value in state["training"].items()}
        arguments: dict[str, Any] = {
            _OLD_KEYS.get(key, key): tuple(value) if isinstance(value, list) else value for key, value in state.items()
        }
        arguments |= {"encoder": EncoderConfig(**state["encoder"]), "training": TrainingConfig(**training)}
        return cls.config_type(**arguments)

    @property
    def encoder(self) -> Encoder:
        """The fitted encoder.

        Raises:
            RuntimeError: the model is not fitted.
        """
        return self._fitted()[0]

    def _fitted(self) -> tuple[Encoder, nn.Module]:
        if self._encoder is None or self._network is None:
            raise RuntimeError(f"{self.name} is not fitted")
        return self._encoder, self._network


def _noting_days(holdout: Sequence[Iterable[Batch]], days: list[NDArray[np.int64]]) -> Iterator[Batch]:
    """Yield the batches of all days, and add the number of its day for each row of a batch."""
    for number, day in enumerate(holdout):
        for examples, labels in day:
            days.append(np.full(len(labels), number))
            yield examples, labels


def _log_odds(clicks: int, rows: int) -> float:
    """Return the log-odds of the click rate, with one click and one non-click added.

    If clicks are rare, starting from even odds would waste the first epochs.
    """
    return math.log((clicks + 1) / (rows - clicks + 1))


def read_state(directory: Path) -> dict[str, Any]:
    """Return the content of ``model.json``: ``model``, ``config``, ``encoder``, ``scaling``.

    Raises:
        ValueError: the directory contains no complete model.
    """
    try:
        state: dict[str, Any] = json.loads((directory / _STATE).read_text(encoding="utf-8"))
        if missing := {"model", "config", "encoder", "scaling"} - state.keys():
            raise ValueError(f"{_STATE} has no {', '.join(sorted(missing))}")
    except (OSError, AttributeError, ValueError) as error:
        raise ValueError(f"{directory} contains no complete click model: {error}") from error
    return state
