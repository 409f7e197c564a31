"""Encoder of examples as network inputs, fitted in one streaming pass.

Nothing depends on the order of rows: the same rows in other files give exactly the same encoder. That is why sums are
integers.
"""

import operator
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.ads.examples import Batch, Examples, Fields, Ragged
from models.processes import of_all

_STEP = 2.0**-16  # numbers are summed as multiples of this: exact enough for rates, and squares of 2**21 rows fit int64
_PADDING, _SPECIAL = 0, 2  # row 0 of the table pads bags; each field has one row for missing and one for rare values


@dataclass(frozen=True)
class EncoderConfig:
    """How values are mapped to rows of the embedding table.

    Attributes:
        min_count: less frequent values share one embedding with unseen values.
        max_values: only this many values of a field, the most frequent ones, have their own embedding.
        bag_size: only the first values of a multi-hot field are used, up to this number for each row.
    """

    min_count: int = 10
    max_values: int = 100_000
    bag_size: int = 6


@dataclass(frozen=True)
class Encoded:
    """Encoded rows, the inputs of a network.

    Attributes:
        dense: float32 (rows, dense_size): standardised numbers, then missing indicators.
        codes: int32 (rows, categorical fields): rows of the embedding table.
        bags: int32 (rows, multi-hot fields, bag_size): rows of the embedding table, 0 for padding.
    """

    dense: NDArray[np.float32]
    codes: NDArray[np.int32]
    bags: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.dense)


@dataclass
class _Counts:
    """What an encoder needs to know about rows.

    Attributes:
        rows: their number.
        present: number of values of each numeric column.
        total: their sums, in steps.
        squares: the sums of their squares.
        values: number of rows of each value, by field.
    """

    rows: int
    present: list[int]
    total: list[int]
    squares: list[int]
    values: dict[str, Counter[str]]

    @classmethod
    def of(cls, batches: Iterable[Batch], fields: Fields) -> Self:
        width = len(fields.numeric)
        counts = cls(
            0, [0] * width, [0] * width, [0] * width, {n: Counter() for n in fields.categorical + fields.multi_hot}
        )
        for examples, _ in batches:
            counts.rows += len(examples)
            for column, name in enumerate(fields.numeric):
                numbers = _squash(examples.numeric[name])
                steps = np.rint(numbers[~np.isnan(numbers)] / _STEP).astype(np.int64)
                counts.present[column] += len(steps)
                counts.total[column] += int(steps.sum())
                counts.squares[column] += int((steps * steps).sum())
            for name in fields.categorical:
                _count(counts.values[name], examples.categorical[name])
            for name in fields.multi_hot:
                _count(counts.values[name], examples.multi_hot[name].values)
        return counts

    def add(self, other: Self) -> None:
        self.rows += other.rows
        for mine, theirs in zip(self._columns(), other._columns(), strict=True):
            mine[:] = map(operator.add, mine, theirs)
        for name, counter in other.values.items():
            self.values[name] += counter

    def _columns(self) -> list[list[int]]:
        return [self.present, self.total, self.squares]


class Encoder:
    """Signed log and standardisation of numbers, vocabularies for other fields; created by :meth:`fit`."""

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
    def fit(cls, batches: Iterable[Batch], fields: Fields, config: EncoderConfig) -> Self:
        """Fit an encoder to the batches of all processes; iterates over this process's once.

        Raises:
            ValueError: there is no row.
        """
        counts, *others = of_all(_Counts.of(batches, fields))
        for other in others:
            counts.add(other)
        rows, present = counts.rows, counts.present
        if not rows:
            raise ValueError("no examples to fit an encoder on")
        counted = np.maximum(present, 1).tolist()
        mean = np.array([t / n for t, n in zip(counts.total, counted, strict=True)]) * _STEP
        variance = np.array([s / n for s, n in zip(counts.squares, counted, strict=True)]) * _STEP**2 - mean**2
        # A constant or empty column has no information, and its weights would keep their random initial values. It is encoded
        # as zero, also if it has other values later. A variance below one step is a rounding error.
        factor = np.where(variance > _STEP**2, 1 / np.sqrt(np.maximum(variance, _STEP**2)), 0.0)
        present_rows = np.array(present, dtype=np.int64)
        return cls(
            fields,
            config,
            mean,
            factor,
            (present_rows > 0) & (present_rows < rows),
            {name: _frequent(counter, config) for name, counter in counts.values.items()},
        )

    def encode(self, examples: Examples) -> Encoded:
        """Encode rows; unseen values are treated as rare ones."""
        numbers = np.empty((len(examples), len(self.fields.numeric)))
        for column, name in enumerate(self.fields.numeric):
            numbers[:, column] = _squash(examples.numeric[name])
        missing = np.isnan(numbers)
        # Limits extreme outliers, which would dominate a linear layer; values in training data are within 8 standard deviations.
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
        """Return one synthetic row: mean numbers (of the logs) and the most frequent values, "" for an empty vocabulary."""
        frequent = {name: np.array(values[:1] or [""], dtype=np.str_) for name, values in self.vocabularies.items()}
        numbers = np.sign(self.mean) * np.expm1(np.abs(self.mean))
        return Examples(
            numeric={name: numbers[column : column + 1] for column, name in enumerate(self.fields.numeric)},
            categorical={name: frequent[name] for name in self.fields.categorical},
            multi_hot={name: Ragged(frequent[name], np.array([0, 1])) for name in self.fields.multi_hot},
        )

    def _lookup(self, name: str, values: NDArray[np.str_]) -> NDArray[np.int32]:
        vocabulary, order = self._sorted[name]
        first = self._first[name]
        codes = np.full(len(values), first + 1, dtype=np.int32)
        if len(vocabulary):
            position = np.minimum(np.searchsorted(vocabulary, values), len(vocabulary) - 1)
            is_frequent = vocabulary[position] == values
            codes[is_frequent] = first + _SPECIAL + order[position[is_frequent]]
        codes[values == ""] = first
        return codes

    def _fill(self, bag: NDArray[np.int32], name: str, lists: Ragged) -> None:
        position = np.arange(len(lists.values)) - lists.offsets[lists.rows]
        kept = position < self.config.bag_size
        bag[lists.rows[kept], position[kept]] = self._lookup(name, lists.values[kept])

    def to_json(self) -> dict[str, Any]:
        """Return the encoder as JSON values for :meth:`from_json`."""
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
        """Create an encoder from the values of :meth:`to_json`."""
        return cls(
            Fields(**{kind: tuple(names) for kind, names in state["fields"].items()}),
            EncoderConfig(**state["config"]),
            np.array(state["mean"], dtype=np.float64),
            np.array(state["factor"], dtype=np.float64),
            np.array(state["has_missing"], dtype=np.bool_),
            state["vocabularies"],
        )


def _squash(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the signed log: counts and times have long tails, and rates below 1 hardly change."""
    return np.sign(numbers) * np.log1p(np.abs(numbers))


def _count(counter: Counter[str], values: NDArray[np.str_]) -> None:
    distinct, counts = np.unique(values, return_counts=True)
    counter.update(dict(zip(distinct.tolist(), counts.tolist(), strict=True)))


def _frequent(counter: Counter[str], config: EncoderConfig) -> list[str]:
    """Return the most frequent values first, ties in alphabetical order, so that the table is deterministic."""
    ranked = sorted((-count, value) for value, count in counter.items() if value and count >= config.min_count)
    return [value for _, value in ranked[: config.max_values]]
