"""The content hash knows values, and nothing else."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jobs.platform.content_hash import content_hash

SCHEMA = pa.schema(
    {
        "text": pa.string(),
        "number": pa.int64(),
        "small": pa.int32(),
        "flag": pa.bool_(),
        "share": pa.float64(),
        "day": pa.date32(),
        "moment": pa.timestamp("us", "UTC"),
        "raw": pa.binary(),
        "words": pa.list_(pa.string()),
        "numbers": pa.list_(pa.list_(pa.int64())),
        "tastes": pa.map_(pa.string(), pa.float64()),
        "check": pa.struct({"name": pa.string(), "passed": pa.bool_()}),
    }
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.text("a b日", max_size=3),
    "number": st.integers(-(2**63), 2**63 - 1),
    "small": st.integers(-2, 2),
    "flag": st.booleans(),
    "share": st.floats(allow_nan=False).map(lambda x: x + 0.0),
    "day": st.dates(),
    "moment": st.datetimes(timezones=st.just(dt.UTC), min_value=dt.datetime(1900, 1, 1)),
    "raw": st.binary(max_size=3),
    "words": st.lists(st.none() | st.text("a b日", max_size=2), max_size=3),
    "numbers": st.lists(st.lists(st.integers(0, 2), max_size=2), max_size=2),
    "tastes": st.dictionaries(st.text("a b日", max_size=2), st.none() | st.floats(0, 1), max_size=3),
    "check": st.fixed_dictionaries({"name": st.text("a b日", max_size=2), "passed": st.booleans()}),
}
Row = dict[str, Any]
ROW = st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()})
ROWS = st.lists(ROW, max_size=6)
SOME_ROWS = st.lists(ROW, min_size=1, max_size=6)


def as_table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def hashed(rows: list[Row]) -> str:
    return content_hash(as_table(rows).to_batches())


@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 4))
def test_neither_the_order_of_rows_nor_the_cut_into_batches_counts(rows: list[Row], random: Any, size: int) -> None:
    shuffled = random.sample(rows, len(rows))
    # Cut without copying: such batches are slices with an offset into their buffers.
    assert content_hash(as_table(shuffled).to_batches(max_chunksize=size)) == hashed(rows)


@given(ROWS, st.randoms(use_true_random=False))
def test_neither_the_order_of_columns_nor_that_of_map_entries_counts(rows: list[Row], random: Any) -> None:
    turned = [
        row | {"tastes": dict(reversed(row["tastes"].items())) if row["tastes"] else row["tastes"]} for row in rows
    ]
    columns = random.sample(SCHEMA.names, len(SCHEMA.names))
    assert content_hash(as_table(turned).select(columns).to_batches()) == hashed(rows)


@given(SOME_ROWS, st.data())
def test_any_other_value_gives_another_hash(rows: list[Row], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(SCHEMA.names))
    value = data.draw(st.none() | VALUES[column])
    assume(value != rows[place][column])
    other = [row | {column: value} if i == place else row for i, row in enumerate(rows)]
    assert hashed(other) != hashed(rows)


@given(SOME_ROWS)
def test_a_row_that_comes_twice_counts_twice(rows: list[Row]) -> None:
    assert len({hashed(rows), hashed([*rows, rows[0]]), hashed([*rows, rows[0], rows[0]])}) == 3


@given(ROW, ROW, st.lists(VALUES["number"], min_size=2, max_size=2, unique=True))
def test_values_belong_to_their_row_and_column(first: Row, second: Row, numbers: list[int]) -> None:
    first, second = first | {"flag": True}, second | {"flag": False}
    hashes = {
        hashed([first | {"number": one}, second | {"number": other}]) for one, other in (numbers, reversed(numbers))
    }
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        (None, "", pa.string()),
        (None, 0, pa.int64()),
        (None, 0.0, pa.float64()),
        (None, False, pa.bool_()),
        (None, [], pa.list_(pa.string())),
        ([None], [""], pa.list_(pa.string())),
        ([], [None], pa.list_(pa.string())),
        (["a", "b"], ["b", "a"], pa.list_(pa.string())),
        (["ab"], ["a", "b"], pa.list_(pa.string())),
        ([[1], []], [[], [1]], pa.list_(pa.list_(pa.int64()))),
        (None, [], pa.map_(pa.string(), pa.int64())),
        ([("a", 1), ("b", 2)], [("a", 2), ("b", 1)], pa.map_(pa.string(), pa.int64())),
        ([("a", None)], [], pa.map_(pa.string(), pa.int64())),
        (None, {"a": None}, pa.struct({"a": pa.int64()})),
        (float("nan"), None, pa.float64()),
        (1.0, 1.0000000000000002, pa.float64()),
        (Decimal("1.0"), Decimal("1.1"), pa.decimal128(3, 1)),
    ],
)
def test_values_that_look_alike_differ(left: object, right: object, kind: pa.DataType) -> None:
    hashes = {content_hash([pa.record_batch({"x": pa.array([value], kind)})]) for value in (left, right)}
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (pa.array([1, None], pa.int32()), pa.array([1, None], pa.int64())),
        (pa.array(["a", None, ""]), pa.array(["a", None, ""], pa.large_string())),
        (pa.array(["a", None, ""]), pa.array(["a", None, ""], pa.string_view())),
        (pa.array(["a", None, "a"]), pa.array(["a", None, "a"]).dictionary_encode()),
        (pa.array([0.0, float("nan")]), pa.array([-0.0, -float("nan")])),
        (pa.array([["a"], None]), pa.array([["a"], None], pa.large_list(pa.large_string()))),
    ],
)
def test_how_a_value_is_kept_does_not_count(left: pa.Array, right: pa.Array) -> None:
    assert content_hash([pa.record_batch({"x": left})]) == content_hash([pa.record_batch({"x": right})])


def test_no_rows_hash_to_zero() -> None:
    assert content_hash([]) == content_hash(as_table([]).to_batches()) == "0" * 16


def test_the_hash_stays_what_it_was() -> None:
    """Hashes of old nights are compared with those of new ones: who changes the function has to say so."""
    row: Row = {
        "text": "日出",
        "number": 7,
        "small": None,
        "flag": True,
        "share": 0.25,
        "day": dt.date(2022, 5, 1),
        "moment": dt.datetime(2022, 5, 1, 3, tzinfo=dt.UTC),
        "raw": b"\0",
        "words": ["a", None],
        "numbers": [[1], []],
        "tastes": {"美食": 0.5},
        "check": {"name": "decodes", "passed": True},
    }
    assert hashed([row]) == "2e633b1b7cc4d708"
    assert hashed([row | {"added later": None}]) == hashed([row])
