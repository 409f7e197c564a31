"""The content hash knows values, and nothing else."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.platform.lake.content_hash import NO_ROWS, content_hash
from schemas.contract import Column, Contract, load_contract

TYPES = {
    "text": "string",
    "note": "string",
    "number": "bigint",
    "small": "int",
    "flag": "boolean",
    "share": "double",
    "day": "date",
    "words": "array<string>",
    "numbers": "array<array<bigint>>",
    "tastes": "map<string,double>",
    "counts": "map<int,bigint>",
}
_TEXT = st.text("a b日", max_size=3)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": _TEXT,
    "note": _TEXT,
    "number": st.integers(-(2**63), 2**63 - 1),
    "small": st.integers(-2, 2),
    "flag": st.booleans(),
    "share": st.floats(allow_nan=False).map(lambda x: x + 0.0),
    "day": st.dates(),
    "words": st.lists(st.none() | _TEXT, max_size=3),
    "numbers": st.lists(st.none() | st.lists(st.none() | st.integers(0, 2), max_size=2), max_size=3),
    "tastes": st.dictionaries(_TEXT, st.none() | st.floats(0, 1), max_size=3),
    "counts": st.dictionaries(st.integers(0, 2), st.none() | st.integers(0, 2), max_size=3),
}
Row = dict[str, Any]
ROW = st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()})
ROWS = st.lists(ROW, max_size=6)
SOME_ROWS = st.lists(ROW, min_size=1, max_size=6)
FEW = how(max_examples=12)  # each is asked of Spark


def declared(types: dict[str, str]) -> Contract:
    columns = [
        Column(name, of, required=False, description="", personal=False, volatile=False) for name, of in types.items()
    ]
    return replace(load_contract("silver.quarantine"), columns=tuple(columns))


def frame(spark: SparkSession, rows: Sequence[Row], types: dict[str, str] = TYPES) -> DataFrame:
    schema = ", ".join(f"{name} {of}" for name, of in types.items())
    return spark.createDataFrame([tuple(row.get(name) for name in types) for row in rows], schema)


def hash_of(rows: DataFrame, types: dict[str, str] = TYPES) -> str:
    (found,) = rows.agg(content_hash(declared(types), rows.columns)).collect()
    return str(found[0])


def hashes(spark: SparkSession, *tables: Sequence[Row], types: dict[str, str] = TYPES) -> list[str]:
    """The hash of each table; all of them in one query."""
    numbered = [row | {"table": number} for number, rows in enumerate(tables) for row in rows]
    rows = frame(spark, numbered, types | {"table": "int"})
    found = rows.groupBy("table").agg(content_hash(declared(types), rows.columns).alias("hash")).collect()
    of_table = {row.table: row.hash for row in found}
    return [of_table.get(number, NO_ROWS) for number in range(len(tables))]


@FEW
@given(rows=ROWS, random=st.randoms(use_true_random=False))
def test_no_order_counts_but_that_of_lists(spark: SparkSession, rows: list[Row], random: Any) -> None:
    turned = [
        row | {name: dict(reversed(row[name].items())) for name in ("tastes", "counts") if row[name]}
        for row in random.sample(rows, len(rows))
    ]
    (first, second), columns = hashes(spark, rows, turned), random.sample(list(TYPES), len(TYPES))
    other_way = frame(spark, turned).select(columns)
    assert first == second == hash_of(other_way, {name: TYPES[name] for name in columns})


def test_how_rows_are_cut_into_files_does_not_count(spark: SparkSession, tmp_path: Path) -> None:
    rows = frame(spark, [{"number": n, "text": str(n), "words": ["a", None]} for n in range(100)])
    found = {hash_of(rows)}
    for number, files in enumerate((1, 7)):
        rows.repartition(files).write.parquet(f"{tmp_path}/{number}")
        found.add(hash_of(spark.read.schema(rows.schema).parquet(f"{tmp_path}/{number}")))
    assert len(found) == 1


@FEW
@given(rows=SOME_ROWS, data=st.data())
def test_any_other_value_gives_another_hash(spark: SparkSession, rows: list[Row], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    others = []
    for column in TYPES:
        value = data.draw(st.none() | VALUES[column])
        if value != rows[place][column]:
            others.append([row | {column: value} if i == place else row for i, row in enumerate(rows)])
    found = hashes(spark, rows, *others)
    assert len(set(found)) == len(found)


@FEW
@given(rows=SOME_ROWS)
def test_a_row_that_comes_twice_counts_twice(spark: SparkSession, rows: list[Row]) -> None:
    assert len(set(hashes(spark, [], rows, [*rows, rows[0]], [*rows, rows[0], rows[0]]))) == 4


@FEW
@given(first=ROW, second=ROW, values=st.lists(_TEXT, min_size=2, max_size=2, unique=True))
def test_values_belong_to_their_row_and_column(spark: SparkSession, first: Row, second: Row, values: list[str]) -> None:
    one, other = values
    first, second = first | {"flag": True}, second | {"flag": False}
    rows = [[first | {"text": here}, second | {"text": there}] for here, there in (values, reversed(values))]
    columns = [
        [first | {"text": here, "note": there}]
        for here, there in ((one, other), (other, one), (one, None), (None, one))
    ]
    found = hashes(spark, *rows, *columns)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("type_name", "values"),
    [
        ("string", (None, "", " ", "0")),
        ("bigint", (None, 0, 1)),
        ("double", (None, 0.0, 1.0, 1.0000000000000002, float("nan"), float("inf"))),
        ("boolean", (None, False, True)),
        ("array<string>", (None, [], [None], [""], [None, ""], ["", None], ["a", "b"], ["b", "a"], ["ab"])),
        ("array<array<boolean>>", (None, [], [[]], [[], []], [[False]], [[], [], []], [[False], []], [[], [False]], [None])),
        ("map<string,bigint>", (None, {}, {"a": None}, {"a": 0}, {"a": 1, "b": 2}, {"a": 2, "b": 1}, {"": 1})),
    ],
)  # fmt: skip
def test_values_that_look_alike_differ(spark: SparkSession, type_name: str, values: Sequence[object]) -> None:
    found = hashes(spark, *([{"x": value}] for value in values), types={"x": type_name})
    assert len(set(found)) == len(values)


def test_zeros_are_equal_and_so_are_all_that_are_no_number(spark: SparkSession) -> None:
    types = {"x": "double", "list": "array<double>"}
    zeros = [[{"x": zero, "list": [zero]}] for zero in (0.0, -0.0)]
    nans = [[{"x": nan, "list": [nan]}] for nan in (float("nan"), -float("nan"))]
    assert len(set(hashes(spark, *zeros, *nans, types=types))) == 2


def test_no_rows_hash_to_zero(spark: SparkSession) -> None:
    assert hash_of(frame(spark, [])) == NO_ROWS


def test_a_table_that_gains_a_column_keeps_its_hashes(spark: SparkSession) -> None:
    rows = frame(spark, [{"number": n, "words": ["a"]} for n in range(3)])
    types = TYPES | {"added": "array<string>", "later": "map<string,double>"}
    more = rows.withColumns({name: F.lit(None).cast(types[name]) for name in ("added", "later")})
    assert hash_of(rows, types) == hash_of(more, types) == hash_of(rows)


def test_many_rows_do_not_overflow(spark: SparkSession) -> None:
    columns = {"number": F.col("id"), **{name: F.lit(None).cast(of) for name, of in TYPES.items() if name != "number"}}
    rows = spark.range(200_000).select(*(value.alias(name) for name, value in columns.items()))
    halves = [hash_of(rows.where(f"number % 2 = {rest}")) for rest in (0, 1)]
    assert int(hash_of(rows), 16) == sum(int(half, 16) for half in halves) % 2**64


def test_the_hash_stays_what_it_was(spark: SparkSession) -> None:
    """Hashes of old nights are compared with those of new ones: who changes the function has to say so."""
    row: Row = {
        "text": "日出",
        "note": "",
        "number": 7,
        "small": None,
        "flag": True,
        "share": 0.25,
        "day": dt.date(2022, 5, 1),
        "words": ["a", None],
        "numbers": [[1], []],
        "tastes": {"美食": 0.5},
        "counts": {1: None},
    }
    assert hashes(spark, [row], [row, row]) == ["5a45b802f6f7a91d", f"{2 * 0x5A45B802F6F7A91D % 2**64:016x}"]
