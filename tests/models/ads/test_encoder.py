"""Encoding of examples."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ads.encoder import Encoder, EncoderConfig
from models.ads.examples import Batch, Examples, Fields, Ragged

FIELDS = Fields(numeric=("n",), categorical=("v",), multi_hot=("m",))
CONFIG = EncoderConfig(min_count=2, max_values=3, bag_size=2)

Row = tuple[float, str, list[str]]
numbers = st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6))
values = st.sampled_from(["", "a", "b", "c", "d", "e"])
rows = st.lists(st.tuples(numbers, values, st.lists(values.filter(bool), max_size=4)), min_size=1, max_size=40)


def batch(part: list[Row]) -> Batch:
    tags = [tag for _, _, row_tags in part for tag in row_tags]
    offsets = np.concatenate([[0], np.cumsum([len(row_tags) for _, _, row_tags in part], dtype=np.int64)])
    examples = Examples(
        {"n": np.array([number for number, _, _ in part])},
        {"v": np.array([value for _, value, _ in part], dtype=np.str_)},
        {"m": Ragged(np.array(tags, dtype=np.str_), offsets)},
    )
    return examples, np.zeros(len(part), dtype=np.uint8)


def frequent(counts: Counter[str]) -> list[str]:
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    return [value for value in ranked if value and counts[value] >= CONFIG.min_count][: CONFIG.max_values]


@given(rows)
def test_vocabularies_are_the_frequent_values(all_rows: list[Row]) -> None:
    encoder = Encoder.fit([batch(all_rows)], FIELDS, CONFIG)
    assert encoder.vocabularies == {
        "v": frequent(Counter(value for _, value, _ in all_rows)),
        "m": frequent(Counter(tag for _, _, row_tags in all_rows for tag in row_tags)),
    }


@given(rows)
def test_every_value_has_its_row_of_the_table(all_rows: list[Row]) -> None:
    encoder = Encoder.fit([batch(all_rows)], FIELDS, CONFIG)
    encoded = encoder.encode(batch(all_rows)[0])
    values, tags = encoder.vocabularies["v"], encoder.vocabularies["m"]

    def row(value: str, first: int, vocabulary: list[str]) -> int:
        return first if value == "" else first + 2 + vocabulary.index(value) if value in vocabulary else first + 1

    second = 1 + 2 + len(values)
    assert encoder.table_size == second + 2 + len(tags)
    for number, (_, value, row_tags) in enumerate(all_rows):
        assert encoded.codes[number, 0] == row(value, 1, values)
        kept = [row(tag, second, tags) for tag in row_tags[: CONFIG.bag_size]]
        assert encoded.bags[number, 0].tolist() == kept + [0] * (CONFIG.bag_size - len(kept))


@given(rows)
def test_numbers_are_standardised_on_a_log_scale_with_missing_ones_marked(all_rows: list[Row]) -> None:
    encoder = Encoder.fit([batch(all_rows)], FIELDS, CONFIG)
    dense = encoder.encode(batch(all_rows)[0]).dense
    given_numbers = np.array([number for number, _, _ in all_rows])
    missing = np.isnan(given_numbers)
    logs = np.sign(given_numbers) * np.log1p(np.abs(given_numbers))
    spread = np.nanstd(logs) if not missing.all() else 0.0
    if spread > 1e-3:
        expected = (logs - np.nanmean(logs)) / spread
        np.testing.assert_allclose(dense[~missing, 0], expected[~missing], atol=0.05)
    if len(set(given_numbers[~missing])) <= 1:
        assert (dense[:, 0] == 0).all()
    assert (dense[missing, 0] == 0).all()
    if missing.any() and not missing.all():
        assert dense[:, 1].tolist() == missing.tolist()
    else:
        assert dense.shape[1] == encoder.dense_size == 1


@given(rows, st.integers(0, 2**32), st.integers(1, 9))
def test_order_and_batches_of_rows_do_not_matter(all_rows: list[Row], seed: int, size: int) -> None:
    order = np.random.default_rng(seed).permutation(len(all_rows))
    shuffled = [all_rows[row] for row in order]
    parts = [batch(shuffled[start : start + size]) for start in range(0, len(shuffled), size)]
    one, other = Encoder.fit([batch(all_rows)], FIELDS, CONFIG), Encoder.fit(parts, FIELDS, CONFIG)
    assert one.to_json() == other.to_json()


@settings(deadline=None)
@given(rows)
def test_json_round_trip(all_rows: list[Row]) -> None:
    encoder = Encoder.fit([batch(all_rows)], FIELDS, CONFIG)
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False, sort_keys=True)))
    one, other = encoder.encode(batch(all_rows)[0]), again.encode(batch(all_rows)[0])
    for name in ("dense", "codes", "bags"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_column_without_values_stays_zero_if_it_has_values_later() -> None:
    empty: list[Row] = [(float("nan"), "a", [])] * 5
    encoder = Encoder.fit([batch(empty)], FIELDS, CONFIG)
    assert encoder.encode(batch([(1e9, "a", [])])[0]).dense.tolist() == [[0.0]]


def test_a_later_outlier_is_clipped_to_eight_standard_deviations() -> None:
    typical_rows: list[Row] = [(float(number), "a", []) for number in range(100)]
    encoder = Encoder.fit([batch(typical_rows)], FIELDS, CONFIG)
    assert encoder.encode(batch([(1e300, "a", []), (-1e300, "a", [])])[0]).dense[:, 0].tolist() == [8.0, -8.0]


def test_the_typical_row_has_mean_numbers_and_frequent_values() -> None:
    encoder = Encoder.fit([batch([(3.0, "a", ["x"]), (3.0, "a", ["x"]), (3.0, "b", [])])], FIELDS, CONFIG)
    typical = encoder.typical()
    assert typical.numeric["n"] == pytest.approx([3.0], abs=1e-4)
    assert typical.categorical["v"].tolist() == ["a"]
    assert typical.multi_hot["m"].values.tolist() == ["x"]


def test_rejects_data_without_rows() -> None:
    with pytest.raises(ValueError, match="no examples"):
        Encoder.fit([], FIELDS, CONFIG)


@pytest.mark.parametrize("fields", [((), ()), (("a",), ("a",)), (("a",), ("b", "b"))])
def test_rejects_empty_or_duplicate_fields(fields: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match="at least one field, and field names must be unique"):
        Fields(*fields)


def test_rejects_columns_of_different_lengths() -> None:
    with pytest.raises(ValueError, match=r"differ in length: \{'n': 2, 'v': 1"):
        Examples({"n": np.zeros(2)}, {"v": np.array(["a"])}, {"m": Ragged(np.array(["a"]), np.array([0, 1]))})
