"""Encoded examples on disk: an epoch can then visit rows in any order, and memory holds one mini-batch at a time."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from models.ads.encoder import Encoded, Encoder
from models.ads.examples import Batch

_Number = TypeVar("_Number", bound=np.generic)

Tensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Dense, codes and bags of some rows, as a network takes them."""


class EncodedExamples:
    """Memory-mapped arrays of encoded rows and labels, in an order that depends on the rows alone.

    A table's files are named at random, so the order they are read in is not the same on a second run. Rows are
    therefore visited by a hash of their contents, which makes training reproducible whatever order they came in.
    """

    def __init__(self, encoded: Encoded, labels: NDArray[np.uint8], order: NDArray[np.intp]) -> None:
        self._encoded = encoded
        self._labels = labels
        self._order = order

    def __len__(self) -> int:
        return len(self._labels)

    @property
    def labels(self) -> NDArray[np.uint8]:
        """Labels in the order :meth:`batches` without a generator visits rows, shape (rows,)."""
        return self._labels[self._order]

    @classmethod
    def write(cls, batches: Iterable[Batch], encoder: Encoder, directory: Path) -> Self:
        """Encodes all batches into files of ``directory``, which must outlive the returned object.

        Raises:
            ValueError: when there is no row.
        """
        hashes = []
        with ExitStack() as files:
            dense, codes, bags, clicks = (
                files.enter_context((directory / name).open("wb")) for name in ("dense", "codes", "bags", "labels")
            )
            for examples, labels in batches:
                encoded = encoder.encode(examples)
                dense.write(encoded.dense.tobytes())
                codes.write(encoded.codes.tobytes())
                bags.write(encoded.bags.tobytes())
                clicks.write(labels.astype(np.uint8).tobytes())
                hashes.append(_row_hashes(encoded, labels))
        order = np.argsort(np.concatenate(hashes or [np.empty(0, dtype=np.uint64)]), kind="stable")
        rows = len(order)
        if not rows:
            raise ValueError("no example to train on")
        fields = encoder.fields
        written = Encoded(
            _map(directory / "dense", np.float32, (rows, encoder.dense_size)),
            _map(directory / "codes", np.int32, (rows, len(fields.categorical))),
            _map(directory / "bags", np.int32, (rows, len(fields.multi_hot), encoder.config.bag_size)),
        )
        return cls(written, _map(directory / "labels", np.uint8, (rows,)), order)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> Iterator[tuple[Tensors, torch.Tensor]]:
        """All rows once, ``size`` at a time, shuffled when ``rng`` is given; labels as float32 (rows,)."""
        order = self._order if rng is None else rng.permutation(self._order)
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            part = Encoded(self._encoded.dense[rows], self._encoded.codes[rows], self._encoded.bags[rows])
            yield tensors(part), torch.from_numpy(self._labels[rows].astype(np.float32))


def tensors(encoded: Encoded) -> Tensors:
    """The same rows as tensors."""
    return torch.from_numpy(encoded.dense), torch.from_numpy(encoded.codes), torch.from_numpy(encoded.bags)


def _map(path: Path, dtype: type[_Number], shape: tuple[int, ...]) -> NDArray[_Number]:
    if 0 in shape:  # an empty file cannot be mapped: a model without, say, multi-hot fields
        return np.empty(shape, dtype=dtype)
    return np.memmap(path, dtype=dtype, mode="r", shape=shape)


def _row_hashes(encoded: Encoded, labels: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A 64-bit hash of each row by multiply-add over its 32-bit words (Dietzfelbinger et al., 1997)."""
    rows = len(encoded)
    words = np.concatenate(
        [
            encoded.dense.view(np.uint32),
            encoded.codes.view(np.uint32),
            encoded.bags.reshape(rows, -1).view(np.uint32),
            labels.reshape(rows, 1).astype(np.uint32),
        ],
        axis=1,
    ).astype(np.uint64)
    multipliers = np.random.default_rng(0).integers(2**63, size=words.shape[1], dtype=np.uint64) * 2 + 1
    return (words * multipliers).sum(axis=1, dtype=np.uint64)
