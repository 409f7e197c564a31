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
    tags = [tag for _, _, own in part for tag in own]
    offsets = np.concatenate([[0], np.cumsum([len(own) for _, _, own in part], dtype=np.int64)])
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
def test_vocabularies_hold_the_frequent_values(all_rows: list[Row]) -> None:
    encoder = Encoder.learn([batch(all_rows)], FIELDS, CONFIG)
    assert encoder.vocabularies == {
        "v": frequent(Counter(value for _, value, _ in all_rows)),
        "m": frequent(Counter(tag for _, _, own in all_rows for tag in own)),
    }


@given(rows)
def test_every_value_has_its_row_of_the_table(all_rows: list[Row]) -> None:
    encoder = Encoder.learn([batch(all_rows)], FIELDS, CONFIG)
    encoded = encoder.encode(batch(all_rows)[0])
    known, tags = encoder.vocabularies["v"], encoder.vocabularies["m"]

    def row(value: str, first: int, vocabulary: list[str]) -> int:
        return first if value == "" else first + 2 + vocabulary.index(value) if value in vocabulary else first + 1

    second = 1 + 2 + len(known)
    assert encoder.table_size == second + 2 + len(tags)
    for at, (_, value, own) in enumerate(all_rows):
        assert encoded.codes[at, 0] == row(value, 1, known)
        kept = [row(tag, second, tags) for tag in own[: CONFIG.bag_size]]
        assert encoded.bags[at, 0].tolist() == kept + [0] * (CONFIG.bag_size - len(kept))


@given(rows)
def test_numbers_are_standardised_on_a_log_scale_with_missing_ones_marked(all_rows: list[Row]) -> None:
    encoder = Encoder.learn([batch(all_rows)], FIELDS, CONFIG)
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
def test_neither_order_nor_batches_of_rows_change_it(all_rows: list[Row], seed: int, size: int) -> None:
    order = np.random.default_rng(seed).permutation(len(all_rows))
    shuffled = [all_rows[at] for at in order]
    parts = [batch(shuffled[start : start + size]) for start in range(0, len(shuffled), size)]
    one, other = Encoder.learn([batch(all_rows)], FIELDS, CONFIG), Encoder.learn(parts, FIELDS, CONFIG)
    assert one.to_json() == other.to_json()


@settings(deadline=None)
@given(rows)
def test_survives_json(all_rows: list[Row]) -> None:
    encoder = Encoder.learn([batch(all_rows)], FIELDS, CONFIG)
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False, sort_keys=True)))
    one, other = encoder.encode(batch(all_rows)[0]), again.encode(batch(all_rows)[0])
    for name in ("dense", "codes", "bags"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_column_without_values_stays_zero_when_values_come_later() -> None:
    nothing: list[Row] = [(float("nan"), "a", [])] * 5
    encoder = Encoder.learn([batch(nothing)], FIELDS, CONFIG)
    assert encoder.encode(batch([(1e9, "a", [])])[0]).dense.tolist() == [[0.0]]


def test_an_outlier_of_the_future_is_cut_to_eight_deviations() -> None:
    usual: list[Row] = [(float(number), "a", []) for number in range(100)]
    encoder = Encoder.learn([batch(usual)], FIELDS, CONFIG)
    assert encoder.encode(batch([(1e300, "a", []), (-1e300, "a", [])])[0]).dense[:, 0].tolist() == [8.0, -8.0]


def test_the_typical_row_is_the_average_one() -> None:
    encoder = Encoder.learn([batch([(3.0, "a", ["x"]), (3.0, "a", ["x"]), (3.0, "b", [])])], FIELDS, CONFIG)
    typical = encoder.typical()
    assert typical.numeric["n"] == pytest.approx([3.0], abs=1e-4)
    assert typical.categorical["v"].tolist() == ["a"]
    assert typical.multi_hot["m"].values.tolist() == ["x"]


def test_refuses_to_learn_from_nothing() -> None:
    with pytest.raises(ValueError, match="no example"):
        Encoder.learn([], FIELDS, CONFIG)


@pytest.mark.parametrize("fields", [((), ()), (("a",), ("a",)), (("a",), ("b", "b"))])
def test_refuses_fields_that_are_none_or_twice_there(fields: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match="at least one field and no field twice"):
        Fields(*fields)


def test_refuses_columns_of_different_lengths() -> None:
    with pytest.raises(ValueError, match=r"differ in length: \{'n': 2, 'v': 1"):
        Examples({"n": np.zeros(2)}, {"v": np.array(["a"])}, {"m": Ragged(np.array(["a"]), np.array([0, 1]))})
