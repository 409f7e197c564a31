"""Python and Spark agree on what a whole number and an id is, whatever the text."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.platform.whole_number import LARGEST, id_sql, read_id, whole_number, whole_number_sql

ODD = [
    "",
    "3.0",
    "006",
    " 7",
    "7\t",
    "\u00a07\u3000",
    "-0",
    "+5",
    "1e3",
    "1_000",
    "0x10",
    "1d",
    "３",
    "٣",
    "3.",
    ".0",
    "3.10",
]
ODD += [
    "7\u2028",
    "7\u2029",
    "7\x85",
    "7.0\x85",
    "7\n",
    "\ufeff7",
    "7\u200b",
    "--7",
    "9007199254740992.0",
    "9007199254740993.0",
]
ODD += [str(LARGEST), str(LARGEST + 1), f"-{LARGEST + 1}", f"-{LARGEST + 2}", "0" * 30 + "1", "9" * 30, "NaN", "\\N"]
PIECES = st.sampled_from(
    ["0", "7", "12", "9007199254740993", str(LARGEST), ".0", ".", "-", "+", "e3", " ", "\t", "\n", "\r"]
)
TEXT = st.one_of(
    st.sampled_from(ODD),
    st.lists(st.one_of(PIECES, st.sampled_from("\u00a0\u3000\u2028\u2029\x85\ufeff\u200b")), max_size=5).map("".join),
    st.text(max_size=4),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXT, min_size=50, max_size=100))
def test_python_and_spark_agree(spark: SparkSession, texts: list[str]) -> None:
    texts = [*ODD, *(text for text in texts if "\0" not in text)]
    rows = spark.createDataFrame([(text,) for text in texts], "text string")
    found = rows.select(F.expr(whole_number_sql("text")).alias("number"), F.expr(id_sql("text")).alias("id")).collect()
    assert [(row.number, row.id) for row in found] == [(whole_number(text), read_id(text)) for text in texts]


def test_what_is_unambiguous_is_the_same_id() -> None:
    assert {read_id(text) for text in ("7", "07", " 7", "7.0", "7.000", "\u00a07\u3000", "007.0\t")} == {7}
    assert [
        read_id(text) for text in ("", "7.5", "7e0", "-7", "-0", "+7", "７", "7,0", "9007199254740993.0", str(2**63))
    ] == [None] * 10
