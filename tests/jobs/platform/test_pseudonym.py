import os
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
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_key_is_private_under_any_umask(home: Path, monkeypatch: pytest.MonkeyPatch, umask: int) -> None:
    before = os.umask(umask)
    try:
        test_a_key_is_made_once_and_is_private(home, monkeypatch)
    finally:
        os.umask(before)


@pytest.mark.parametrize("bad", ["zz", "00" * 31, "00" * 33, " "])
def test_a_bad_key_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    monkeypatch.setenv("NIGHTREEL_PSEUDONYM_KEY", bad)
    with pytest.raises(
        UsageError, match="NIGHTREEL_PSEUDONYM_KEY is not a pseudonym key; a key has 64 hexadecimal digits"
    ):
        key(read_settings())


def test_a_key_in_a_mounted_secret_is_read_and_never_made(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIGHTREEL_PSEUDONYM_KEY")
    secret = home / "mounted" / "key"
    monkeypatch.setenv("NIGHTREEL_PSEUDONYM_KEY_FILE", str(secret))
    with pytest.raises(UsageError, match=f"the pseudonym key .* is missing.* to {secret}"):
        key(read_settings())
    secret.parent.mkdir()
    secret.write_text("0a" * 32 + "\n")
    assert key(read_settings()) == b"\n" * 32


@pytest.fixture
def file(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the key lies; there is none yet."""
    monkeypatch.delenv("NIGHTREEL_PSEUDONYM_KEY")
    (home / "secrets").mkdir(mode=0o700)
    return home / "secrets" / "pseudonym.key"


TEXT = "0aB1" * 16


@pytest.mark.parametrize(
    "content", [TEXT, TEXT.lower() + "\n", TEXT + "\r\n", "\ufeff" + TEXT, f"  {TEXT}\n\n", f"{TEXT[:32]} {TEXT[32:]}"]
)
def test_a_key_that_an_editor_has_touched_is_the_same(file: Path, content: str) -> None:
    file.write_bytes(content.encode())
    assert key(read_settings()) == bytes.fromhex(TEXT)


@pytest.mark.parametrize("content", [b"", b"\n", b"\0" * 64, TEXT.encode("utf-16"), b"key=" + TEXT.encode(), b"\xff"])
def test_a_bad_file_is_refused_and_stays(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(
        UsageError, match=r"secrets/pseudonym.key is not a pseudonym key; a key has 64 hexadecimal digits"
    ):
        key(read_settings())
    assert file.read_bytes() == content


def test_a_file_that_cannot_be_read_is_one_line(file: Path) -> None:
    file.mkdir()
    with pytest.raises(UsageError, match=r"the pseudonym key .*pseudonym.key cannot be read \(Is a directory\)"):
        key(read_settings())


def test_a_link_to_nowhere_is_a_missing_key(file: Path) -> None:
    file.symlink_to("unmounted")
    with pytest.raises(UsageError, match="is missing"):
        key(read_settings())
    assert file.is_symlink()
