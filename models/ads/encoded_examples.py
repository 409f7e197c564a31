"""Encoded examples on disk: training reads rows in random order, with one mini-batch in memory at a time."""

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
"""Dense, codes and bags of some rows: the inputs of a network."""


class EncodedExamples:
    """Memory-mapped arrays of encoded rows and labels, in an order that depends only on the rows.

    The files of a table have random names, so their rows come in another order on every run. Rows are therefore sorted by a
    hash of their content, which makes training reproducible.
    """

    order: NDArray[np.intp]
    """Places of the rows in the batches that were written, in the order of :meth:`batches` without ``rng``, shape (rows,)."""

    def __init__(self, encoded: Encoded, labels: NDArray[np.uint8], order: NDArray[np.intp]) -> None:
        self._encoded = encoded
        self._labels = labels
        self.order = order

    def __len__(self) -> int:
        return len(self._labels)

    @property
    def labels(self) -> NDArray[np.uint8]:
        """Labels in the order of :meth:`batches` without ``rng``, shape (rows,)."""
        return self._labels[self.order]

    @classmethod
    def write(cls, batches: Iterable[Batch], encoder: Encoder, directory: Path) -> Self:
        """Encode all batches into files in ``directory``, which must exist as long as the returned object is used.

        Raises:
            ValueError: there is no row.
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
            raise ValueError("no examples to train on")
        fields = encoder.fields
        mapped = Encoded(
            _map(directory / "dense", np.float32, (rows, encoder.dense_size)),
            _map(directory / "codes", np.int32, (rows, len(fields.categorical))),
            _map(directory / "bags", np.int32, (rows, len(fields.multi_hot), encoder.config.bag_size)),
        )
        return cls(mapped, _map(directory / "labels", np.uint8, (rows,)), order)

    def batches(
        self, batch_size: int, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[Tensors, torch.Tensor]]:
        """Yield all rows once in batches, shuffled if ``rng`` is given; labels are float32 (rows,)."""
        order = self.order if rng is None else rng.permutation(self.order)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            part = Encoded(self._encoded.dense[rows], self._encoded.codes[rows], self._encoded.bags[rows])
            yield tensors(part), torch.from_numpy(self._labels[rows].astype(np.float32))


def tensors(encoded: Encoded) -> Tensors:
    """Return the rows as tensors."""
    return torch.from_numpy(encoded.dense), torch.from_numpy(encoded.codes), torch.from_numpy(encoded.bags)


def _map(path: Path, dtype: type[_Number], shape: tuple[int, ...]) -> NDArray[_Number]:
    if 0 in shape:  # an empty file cannot be mapped, e.g. if the model has no multi-hot fields
        return np.empty(shape, dtype=dtype)
    return np.memmap(path, dtype=dtype, mode="r", shape=shape)


def _row_hashes(encoded: Encoded, labels: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each row: multiply-add over its 32-bit words (Dietzfelbinger et al., 1997)."""
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
