"""From examples to the numbers a network reads, learned in one streaming pass.

Nothing here depends on the order in which rows come: the same rows, read from other files, give the same encoder bit for
bit. That is why sums are kept as integers.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.ads.examples import Batch, Examples, Fields, Ragged

_STEP = 2.0**-16  # numbers are summed as multiples of this: fine enough for rates, and squares of 2**21 rows fit int64
_PADDING, _SPECIAL = 0, 2  # row 0 of the table pads bags; each field then has one row for missing and one for rare


@dataclass(frozen=True)
class EncoderConfig:
    """How values become rows of the embedding table.

    Attributes:
        min_count: values seen less often share one embedding, as do values never seen.
        max_values: at most this many values a field keep an embedding of their own, the most frequent ones.
        bag_size: at most this many values of a multi-hot field are kept a row, in their order.
    """

    min_count: int = 10
    max_values: int = 100_000
    bag_size: int = 6


@dataclass(frozen=True)
class Encoded:
    """Rows as a network reads them.

    Attributes:
        dense: float32 (rows, dense_size): standardised numbers, then missing indicators.
        codes: int32 (rows, categorical fields): rows of the embedding table.
        bags: int32 (rows, multi-hot fields, bag_size): rows of the embedding table, 0 where there is no value.
    """

    dense: NDArray[np.float32]
    codes: NDArray[np.int32]
    bags: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.dense)


class Encoder:
    """Signed log and standardisation of numbers, vocabularies for the rest; learned by :meth:`learn`."""

    def __init__(
        self,
        fields: Fields,
        config: EncoderConfig,
        mean: NDArray[np.float64],
        factor: NDArray[np.float64],
        has_missing: NDArray[np.bool_],
        vocabularies: dict[str, list[str]],
    ) -> None:
        self.fields = fields
        self.config = config
        self.mean = mean
        self.factor = factor
        self.has_missing = has_missing
        self.vocabularies = vocabularies
        self._first: dict[str, int] = {}
        self._sorted: dict[str, tuple[NDArray[np.str_], NDArray[np.intp]]] = {}
        rows = _PADDING + 1
        for name in fields.categorical + fields.multi_hot:
            values = vocabularies[name]
            self._first[name] = rows
            rows += _SPECIAL + len(values)
            array = np.array(values, dtype=np.str_)
            order = np.argsort(array)
            self._sorted[name] = array[order], order
        self.table_size = rows

    @property
    def dense_size(self) -> int:
        """Width of :attr:`Encoded.dense`."""
        return len(self.fields.numeric) + int(self.has_missing.sum())

    @classmethod
    def learn(cls, batches: Iterable[Batch], fields: Fields, config: EncoderConfig) -> Self:
        """Reads all batches once.

        Raises:
            ValueError: when there is no row.
        """
        width = len(fields.numeric)
        rows = 0
        present, total, squares = [0] * width, [0] * width, [0] * width
        counts: dict[str, Counter[str]] = {name: Counter() for name in fields.categorical + fields.multi_hot}
        for examples, _ in batches:
            rows += len(examples)
            for column, name in enumerate(fields.numeric):
                numbers = _squash(examples.numeric[name])
                steps = np.rint(numbers[~np.isnan(numbers)] / _STEP).astype(np.int64)
                present[column] += len(steps)
                total[column] += int(steps.sum())
                squares[column] += int((steps * steps).sum())
            for name in fields.categorical:
                _count(counts[name], examples.categorical[name])
            for name in fields.multi_hot:
                _count(counts[name], examples.multi_hot[name].values)
        if not rows:
            raise ValueError("no example to learn an encoder from")
        known = np.maximum(present, 1)
        mean = np.array([t / n for t, n in zip(total, known.tolist(), strict=True)]) * _STEP
        variance = np.array([s / n for s, n in zip(squares, known.tolist(), strict=True)]) * _STEP**2 - mean**2
        # A column that is constant or absent tells nothing, and weights on it would stay as they were drawn: it becomes zero,
        # whatever it holds later. Below one step a variance is rounding.
        factor = np.where(variance > _STEP**2, 1 / np.sqrt(np.maximum(variance, _STEP**2)), 0.0)
        counted = np.array(present, dtype=np.int64)
        return cls(
            fields,
            config,
            mean,
            factor,
            (counted > 0) & (counted < rows),
            {name: _frequent(counter, config) for name, counter in counts.items()},
        )

    def encode(self, examples: Examples) -> Encoded:
        """Encodes rows; values never seen are treated as rare ones."""
        numbers = np.empty((len(examples), len(self.fields.numeric)))
        for column, name in enumerate(self.fields.numeric):
            numbers[:, column] = _squash(examples.numeric[name])
        missing = np.isnan(numbers)
        # Far outliers of the future must not blow up a linear layer: 8 standard deviations is outside anything seen.
        standard = np.clip((numbers - self.mean) * self.factor, -8.0, 8.0)
        dense = np.concatenate(
            [np.where(missing, 0.0, standard), missing[:, self.has_missing]], axis=1, dtype=np.float32
        )
        codes = np.empty((len(examples), len(self.fields.categorical)), dtype=np.int32)
        for column, name in enumerate(self.fields.categorical):
            codes[:, column] = self._lookup(name, examples.categorical[name])
        bags = np.zeros((len(examples), len(self.fields.multi_hot), self.config.bag_size), dtype=np.int32)
        for column, name in enumerate(self.fields.multi_hot):
            self._fill(bags[:, column], name, examples.multi_hot[name])
        return Encoded(dense, codes, bags)

    def typical(self) -> Examples:
        """One made-up row: mean numbers (of the logs) and most frequent values, "" where none is frequent."""
        frequent = {name: np.array(values[:1] or [""], dtype=np.str_) for name, values in self.vocabularies.items()}
        numbers = np.sign(self.mean) * np.expm1(np.abs(self.mean))
        return Examples(
            numeric={name: numbers[at : at + 1] for at, name in enumerate(self.fields.numeric)},
            categorical={name: frequent[name] for name in self.fields.categorical},
            multi_hot={name: Ragged(frequent[name], np.array([0, 1])) for name in self.fields.multi_hot},
        )

    def _lookup(self, name: str, values: NDArray[np.str_]) -> NDArray[np.int32]:
        vocabulary, order = self._sorted[name]
        first = self._first[name]
        codes = np.full(len(values), first + 1, dtype=np.int32)
        if len(vocabulary):
            place = np.minimum(np.searchsorted(vocabulary, values), len(vocabulary) - 1)
            found = vocabulary[place] == values
            codes[found] = first + _SPECIAL + order[place[found]]
        codes[values == ""] = first
        return codes

    def _fill(self, bag: NDArray[np.int32], name: str, lists: Ragged) -> None:
        place = np.arange(len(lists.values)) - lists.offsets[lists.rows]
        kept = place < self.config.bag_size
        bag[lists.rows[kept], place[kept]] = self._lookup(name, lists.values[kept])

    def to_json(self) -> dict[str, Any]:
        """Everything :meth:`from_json` needs, as JSON values."""
        return {
            "fields": asdict(self.fields),
            "config": asdict(self.config),
            "mean": self.mean.tolist(),
            "factor": self.factor.tolist(),
            "has_missing": self.has_missing.tolist(),
            "vocabularies": self.vocabularies,
        }

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Self:
        """The encoder that :meth:`to_json` described."""
        return cls(
            Fields(**{kind: tuple(names) for kind, names in state["fields"].items()}),
            EncoderConfig(**state["config"]),
            np.array(state["mean"], dtype=np.float64),
            np.array(state["factor"], dtype=np.float64),
            np.array(state["has_missing"], dtype=np.bool_),
            state["vocabularies"],
        )


def _squash(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signed log: counts and times have long tails, and rates below 1 hardly change."""
    return np.sign(numbers) * np.log1p(np.abs(numbers))


def _count(counter: Counter[str], values: NDArray[np.str_]) -> None:
    distinct, counts = np.unique(values, return_counts=True)
    counter.update(dict(zip(distinct.tolist(), counts.tolist(), strict=True)))


def _frequent(counter: Counter[str], config: EncoderConfig) -> list[str]:
    """The most frequent values first; equally frequent ones in their own order, so that the table is always the same."""
    ranked = sorted((-count, value) for value, count in counter.items() if value and count >= config.min_count)
    return [value for _, value in ranked[: config.max_values]]
