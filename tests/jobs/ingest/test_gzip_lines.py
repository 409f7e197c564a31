import gzip
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.ingest import gzip_lines
from jobs.ingest.gzip_file import write_gzip
from jobs.ingest.gzip_lines import count_lines
from jobs.platform.errors import BadInput

_in_one_folder = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_text = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=20)


@_in_one_folder
@given(
    lines=st.lists(_text, min_size=1, max_size=30),
    ends=st.booleans(),
    cut=st.integers(0, 1000),
    padding=st.integers(0, 9),
)
def test_lines_are_counted_as_they_were_written(
    tmp_path: Path, lines: list[str], ends: bool, cut: int, padding: int
) -> None:
    ends = ends or lines[-1] == ""
    contents = "\n".join(lines).encode() + b"\n" * ends
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(contents[:cut]) + bytes(padding) + gzip.compress(contents[cut:]))
    found = count_lines(path)
    assert (found.header, found.data_lines) == (lines[0], len(lines) - 1)


@_in_one_folder
@given(seed=st.integers(0, 10**6), lines=st.integers(1, 500), share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, seed: int, lines: int, share: float) -> None:
    path = tmp_path / "log.csv.gz"
    write_gzip(path, [random.Random(seed).randbytes(8).hex().encode() + b"\n" for _ in range(lines)])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BadInput, match=r"cut short|is empty"):
        count_lines(path)


@_in_one_folder
@given(seed=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found(tmp_path: Path, seed: int, bit: int) -> None:
    rng = random.Random(seed)
    path = tmp_path / "log.csv.gz"
    write_gzip(path, [rng.randbytes(8).hex().encode() + b"\n" for _ in range(50)])
    damaged = bytearray(path.read_bytes())
    damaged[rng.randrange(10, len(damaged))] ^= 1 << bit  # the ten bytes before have no checksum
    path.write_bytes(damaged)
    with pytest.raises(BadInput):
        count_lines(path)


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    rng = random.Random(1)
    longest = rng.randbytes(gzip_lines.LONGEST_LINE)
    longest = longest.replace(b"\n", b".")
    write_gzip(path, [b"header\n", longest, b"\n"])
    assert count_lines(path).data_lines == 1
    for blocks in ([b"header\n", longest, b".\n"], [longest, b"."], [b"header\n1\n2", longest]):
        write_gzip(path, blocks)
        with pytest.raises(BadInput, match="line of more than"):
            count_lines(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    write_gzip(path, [b"header\n"] + [b"0,0\n" * (1 << 18)] * 80)
    with pytest.raises(BadInput, match="200 times its size"):
        count_lines(path)


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param(b"", id="empty"),
        pytest.param(gzip.compress(b""), id="gzip of nothing"),  # with the time in it, which its name must not have
        pytest.param(b"user_id,video_id\n1,2\n", id="no gzip"),
        pytest.param(b"\x1f", id="a byte of gzip"),
    ],
)
def test_what_is_no_log_is_refused_in_one_line(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(contents)
    with pytest.raises(BadInput) as refused:
        count_lines(path)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)
