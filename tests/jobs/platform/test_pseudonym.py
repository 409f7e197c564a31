import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.platform.errors import UsageError
from jobs.platform.pseudonym import key, pseudonym, pseudonym_column
from jobs.platform.settings import settings as read_settings


@settings(max_examples=5, deadline=None)
@given(ids=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=50), secret=st.binary(min_size=32, max_size=32))
def test_spark_and_python_give_the_same_pseudonyms(spark: SparkSession, ids: list[int], secret: bytes) -> None:
    frame = spark.createDataFrame([(i,) for i in ids], "id bigint")
    rows = frame.select("id", pseudonym_column(F.col("id").cast("string"), secret).alias("pseudonym")).collect()
    assert {row["id"]: row["pseudonym"] for row in rows} == {i: pseudonym(i, secret) for i in ids}


def test_known_value() -> None:
    # From `printf 12 | openssl dgst -sha256 -mac HMAC -macopt hexkey:00…00`, its first 32 digits.
    assert pseudonym(12, b"\0" * 32) == "4217722a8aee69d5ed50f3e5ed1cceb1"


def test_a_key_is_made_once_and_is_private(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIGHTREEL_PSEUDONYM_KEY")
    first = key(read_settings())
    assert key(read_settings()) == first
    file = home / "secrets" / "pseudonym.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(file.parent.glob("pseudonym.*[0-9]"))


@pytest.mark.parametrize("bad", ["zz", "00" * 31, "00" * 33])
def test_a_bad_key_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    monkeypatch.setenv("NIGHTREEL_PSEUDONYM_KEY", bad)
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        key(read_settings())
