"""The contract of a click model: fit, predict_proba, save, load."""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
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
from models.ads.training import Round, TrainingConfig, logits, reproducible, train

_PREDICTION_ROWS = 16_384
_STATE, _WEIGHTS = "model.json", "weights.safetensors"


@dataclass(frozen=True)
class ClickModelConfig:
    """What every click model can be told; each model adds its own."""

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


class ClickModel(ABC):
    """Predicts the probability that an impression is clicked, calibrated on held-out examples.

    Attributes:
        history: what each round of the last :meth:`fit` came to; empty after :meth:`load`.
    """

    name: ClassVar[str]
    config_type: ClassVar[type[ClickModelConfig]]

    def __init__(self, fields: Fields, config: ClickModelConfig | None = None) -> None:
        self.fields = fields
        self.config = config or self.config_type()
        self.history: list[Round] = []
        self.scaling = PlattScaling()
        self._encoder: Encoder | None = None
        self._network: nn.Module | None = None

    @abstractmethod
    def build(self, encoder: Encoder, start: float) -> nn.Module:
        """An untrained network: (dense, codes, bags) to logits of shape (rows,), all near ``start``."""

    def fit(self, train_part: Iterable[Batch], holdout: Iterable[Batch]) -> Self:
        """Learns encoder, weights and calibration; the same rows in any order give the same model.

        Args:
            train_part: read twice, so it must start anew each time it is iterated.
            holdout: later examples, read once: they stop the training and fit the calibration.

        Raises:
            ValueError: when either part is empty, or all labels held out are equal.
        """
        encoder = Encoder.learn(train_part, self.fields, self.config.encoder)
        with TemporaryDirectory() as folder, reproducible(self.config.training.rng):
            train_rows, holdout_rows = Path(folder, "train"), Path(folder, "holdout")
            train_rows.mkdir()
            holdout_rows.mkdir()
            held = EncodedExamples.write(holdout, encoder, holdout_rows)
            if held.labels.min() == held.labels.max():
                raise ValueError(
                    f"all {len(held)} examples held out are labelled {held.labels[0]}; calibration needs both"
                )
            learned = EncodedExamples.write(train_part, encoder, train_rows)
            network = self.build(encoder, start=_log_odds(learned.labels))
            self.history = train(network, learned, held, self.config.training)
            self.scaling = PlattScaling.fit(logits(network, held), held.labels)
        self._encoder, self._network = encoder, network
        return self

    @torch.inference_mode()
    def predict_proba(self, examples: Examples) -> NDArray[np.float64]:
        """Calibrated click probabilities, shape (rows,).

        Raises:
            RuntimeError: before :meth:`fit` or :meth:`load`.
        """
        encoder, network = self._fitted()
        network.eval()
        inputs = tensors(encoder.encode(examples))
        with reproducible(0):
            parts = [network(*part).numpy() for part in zip(*(t.split(_PREDICTION_ROWS) for t in inputs), strict=True)]
        return self.scaling.apply(np.concatenate(parts))

    def save(self, directory: Path) -> None:
        """Writes ``model.json`` and ``weights.safetensors`` into a directory that exists.

        Raises:
            RuntimeError: before :meth:`fit` or :meth:`load`.
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
        """The model that :meth:`save` wrote.

        Raises:
            ValueError: when another kind of model was saved there, or no complete one.
        """
        state = read_state(directory)
        if state["model"] != cls.name:
            raise ValueError(f"{directory} holds a {state['model']}, not a {cls.name}")
        encoder = Encoder.from_json(state["encoder"])
        model = cls(encoder.fields, cls._config(state["config"]))
        model.scaling = PlattScaling(**state["scaling"])
        with reproducible(0):
            network = model.build(encoder, start=0.0)
        try:
            network.load_state_dict(load_file(directory / _WEIGHTS))
        except (OSError, RuntimeError, SafetensorError) as error:
            raise ValueError(f"{directory} holds no complete click model: {error}") from error
        model._encoder, model._network = encoder, network
        return model

    @classmethod
    def _config(cls, state: dict[str, Any]) -> ClickModelConfig:
        nested = {"encoder": EncoderConfig(**state["encoder"]), "training": TrainingConfig(**state["training"])}
        own = {key: tuple(value) if isinstance(value, list) else value for key, value in state.items()}
        arguments: dict[str, Any] = {**own, **nested}
        return cls.config_type(**arguments)

    @property
    def encoder(self) -> Encoder:
        """What it learned of its fields.

        Raises:
            RuntimeError: before :meth:`fit` or :meth:`load`.
        """
        return self._fitted()[0]

    def _fitted(self) -> tuple[Encoder, nn.Module]:
        if self._encoder is None or self._network is None:
            raise RuntimeError(f"{self.name} is not fitted")
        return self._encoder, self._network


def _log_odds(labels: NDArray[np.uint8]) -> float:
    """Log-odds of the click rate, as if one click and one non-click more had been seen.

    Where clicks are rare, climbing down to it from even odds would take the first passes.
    """
    clicks = int(labels.sum())
    return math.log((clicks + 1) / (len(labels) - clicks + 1))


def read_state(directory: Path) -> dict[str, Any]:
    """What a saved model says of itself: ``model``, ``config``, ``encoder``, ``scaling``.

    Raises:
        ValueError: the directory holds no complete model.
    """
    try:
        state: dict[str, Any] = json.loads((directory / _STATE).read_text(encoding="utf-8"))
        if missing := {"model", "config", "encoder", "scaling"} - state.keys():
            raise ValueError(f"{_STATE} lacks {', '.join(sorted(missing))}")
    except (OSError, AttributeError, ValueError) as error:
        raise ValueError(f"{directory} holds no complete click model: {error}") from error
    return state
