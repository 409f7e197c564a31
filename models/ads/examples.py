"""Click examples as plain arrays, the input of every click model."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]
"""Shape (rows,): 1 if the impression was clicked, else 0."""


@dataclass(frozen=True)
class Fields:
    """Names of the columns that a model uses, by type of encoding.

    Attributes:
        numeric: one number for each row; standardised, with an indicator for missing values.
        categorical: one value for each row; embedded.
        multi_hot: any number of values for each row, such as tags; embedded and averaged.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    multi_hot: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = self.names
        if not names or len(set(names)) != len(names):
            raise ValueError(f"a model needs at least one field, and field names must be unique, not {names}")

    @property
    def names(self) -> tuple[str, ...]:
        """All field names: numeric, categorical, multi-hot."""
        return self.numeric + self.categorical + self.multi_hot


@dataclass(frozen=True)
class Ragged:
    """Lists of different lengths in two arrays.

    Attributes:
        values: all lists one after another, shape (values,), strings.
        offsets: shape (rows + 1,): row i is ``values[offsets[i]:offsets[i + 1]]``.
    """

    values: NDArray[np.str_]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def rows(self) -> NDArray[np.int64]:
        """The row of each value, shape (values,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))


@dataclass(frozen=True)
class Examples:
    """Impressions, one column for each field.

    Attributes:
        numeric: float64 arrays of shape (rows,); NaN if missing.
        categorical: string arrays of shape (rows,); "" if missing.
        multi_hot: one list for each row; empty if missing.
    """

    numeric: Mapping[str, NDArray[np.float64]]
    categorical: Mapping[str, NDArray[np.str_]]
    multi_hot: Mapping[str, Ragged]

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of a batch differ in length: {lengths}")

    @property
    def columns(self) -> dict[str, NDArray[np.float64] | NDArray[np.str_] | Ragged]:
        """All columns by field name."""
        return {**self.numeric, **self.categorical, **self.multi_hot}

    def __len__(self) -> int:
        return next((len(column) for column in self.columns.values()), 0)


Batch = tuple[Examples, Labels]
"""Examples and their labels."""
