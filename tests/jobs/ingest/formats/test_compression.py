import bz2
import gzip
import random
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.ingest.formats.compression import unpacked
from jobs.ingest.formats.format import Compression
from jobs.ingest.gzip_file import write_gzip
from jobs.platform.errors import BadInput

_in_one_folder = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(path: Path, compression: Compression = "gzip") -> bytes:
    return b"".join(unpacked(path, compression))


@_in_one_folder
@given(contents=st.binary(min_size=1, max_size=300), cut=st.integers(0, 300), padding=st.integers(0, 9))
def test_members_and_padding_are_one_file(tmp_path: Path, contents: bytes, cut: int, padding: int) -> None:
    path = tmp_path / "log.csv.gz"
    contents = b"x" + contents  # which is no other kind of file
    path.write_bytes(gzip.compress(contents[:cut]) + bytes(padding) + gzip.compress(contents[cut:]) + bytes(padding))
    assert read(path) == contents
    frames = [pa.compress(part, codec="zstd", asbytes=True) for part in (contents[:cut], contents[cut:])]
    path.write_bytes(b"".join(frames))
    assert read(path, "zstd") == contents


@_in_one_folder
@given(seed=st.integers(0, 10**6), lines=st.integers(1, 500), share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, seed: int, lines: int, share: float) -> None:
    path = tmp_path / "log.csv.gz"
    write_gzip(path, [random.Random(seed).randbytes(8).hex().encode() + b"\n" for _ in range(lines)])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BadInput, match=r"truncated|is empty"):
        read(path)


@_in_one_folder
@given(seed=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found_or_changes_nothing(tmp_path: Path, seed: int, bit: int) -> None:
    rng = random.Random(seed)
    path = tmp_path / "log.csv.gz"
    write_gzip(path, contents := [rng.randbytes(8).hex().encode() + b"\n" for _ in range(50)])
    damaged = bytearray(path.read_bytes())
    damaged[rng.randrange(10, len(damaged))] ^= 1 << bit  # the ten bytes before have no checksum
    path.write_bytes(damaged)
    with suppress(BadInput):
        assert read(path) == b"".join(contents)  # the last bits of a block mean nothing


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    write_gzip(path, [b"header\n"] + [b"0,0\n" * (1 << 18)] * 80)
    with pytest.raises(BadInput, match="200 times its size"):
        read(path)


OTHERS: dict[str, tuple[bytes, Compression]] = {
    "nothing": (b"", "gzip"),
    "gzip of nothing": (gzip.compress(b"", mtime=0), "gzip"),
    "plain text": (b"user_id,video_id\n1,2\n", "gzip"),
    "one byte": (b"\x1f", "gzip"),
    "gzip in gzip": (gzip.compress(gzip.compress(b"1,2\n", mtime=0), mtime=0), "gzip"),
    "gzip, then others": (gzip.compress(b"1,2\n", mtime=0) + b"others", "gzip"),
    "gzip as plain": (gzip.compress(b"1,2\n", mtime=0), "none"),
    "bzip2 as plain": (bz2.compress(b"1,2\n"), "none"),
    "zstd cut short": (pa.compress(b"1,2\n" * 100, codec="zstd", asbytes=True)[:-3], "zstd"),
    "zstd of plain text": (b"user_id,video_id\n1,2\n", "zstd"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_something_else_is_refused_in_one_line(tmp_path: Path, what: str) -> None:
    contents, compression = OTHERS[what]
    path = tmp_path / "log.csv.gz"
    path.write_bytes(contents)
    with pytest.raises(BadInput) as refused:
        read(path, compression)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)
