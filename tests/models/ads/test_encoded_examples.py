"""Encoded examples on disk."""

from pathlib import Path

import numpy as np
import pytest

from models.ads.encoded_examples import EncodedExamples
from models.ads.encoder import Encoder, EncoderConfig
from models.ads.examples import Fields
from tests.models.ads.clicks import FIELDS, clicks

DATA = clicks(500, seed=0)


def _rows(
    examples: EncodedExamples, batch_size: int, rng: np.random.Generator | None = None
) -> list[tuple[float, ...]]:
    rows = []
    for (dense, codes, bags), labels in examples.batches(batch_size, rng):
        assert len(labels) <= batch_size
        for parts in zip(dense, codes, bags.flatten(1), labels[:, None], strict=True):
            rows.append(tuple(value for part in parts for value in part.tolist()))
    return rows


@pytest.fixture
def encoder() -> Encoder:
    return Encoder.fit(DATA.batches(), FIELDS, EncoderConfig())


def test_every_row_is_read_once_in_an_order_that_depends_on_the_rows_alone(encoder: Encoder, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = EncodedExamples.write(DATA.batches(64), encoder, tmp_path / "a")
    order = np.random.default_rng(1).permutation(500)
    other = EncodedExamples.write(DATA.batches(77, order), encoder, tmp_path / "b")
    assert len(one) == 500
    assert _rows(one, 33) == _rows(other, 500)
    np.testing.assert_array_equal(one.labels, other.labels)
    shuffled = _rows(one, 33, np.random.default_rng(2))
    assert shuffled == _rows(other, 33, np.random.default_rng(2))
    assert shuffled != _rows(one, 33)
    assert sorted(shuffled) == sorted(_rows(one, 33))


def test_rows_are_the_output_of_the_encoder(encoder: Encoder, tmp_path: Path) -> None:
    encoded = encoder.encode(DATA.examples)
    flat = (encoded.dense, encoded.codes, encoded.bags.reshape(500, -1), DATA.labels[:, None])
    expected = sorted(tuple(float(value) for part in row for value in part) for row in zip(*flat, strict=True))
    assert sorted(_rows(EncodedExamples.write(DATA.batches(), encoder, tmp_path), 100)) == expected


def test_a_type_of_field_may_be_empty(tmp_path: Path) -> None:
    fields = Fields(numeric=(), categorical=("item",))
    encoder = Encoder.fit(DATA.batches(), fields, EncoderConfig())
    examples = EncodedExamples.write(DATA.batches(), encoder, tmp_path)
    ((dense, codes, bags), _), *_ = examples.batches(10)
    assert (dense.shape, codes.shape, bags.shape) == ((10, 0), (10, 1), (10, 0, 6))
