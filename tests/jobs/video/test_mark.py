"""The mark names its clip after a re-encoding and a crop, no other clip, and nobody sees it."""

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from jobs.video import mark
from jobs.video.mp4 import encode_mp4, read_luma
from models.video.cartoons.corpus import render
from models.video.cartoons.descriptions import Description
from models.video.generator import Frames

NAMES = st.text("0123456789abcdef", min_size=32, max_size=32)
GREY = np.full((2, 96, 128, 3), 120, np.uint8)


@pytest.fixture(scope="module")
def clip() -> Frames:
    return render(Description("road_trip", "red"), 16, 256, np.random.default_rng(0))[0]


def luma(frames: Frames) -> NDArray[np.uint8]:
    return np.rint(frames @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


@settings(max_examples=30, deadline=None)
@given(NAMES, st.integers(0, 32), st.integers(0, 64))
def test_any_name_is_read_from_any_part_that_is_larger_than_a_tile(name: str, top: int, left: int) -> None:
    marked = luma(mark.embed(GREY, name))
    assert mark.detect(marked[:, top:, left:]) == name[: mark.DIGITS]


def test_eight_wrong_squares_of_192_that_are_far_apart_are_corrected() -> None:
    bits = np.array([*f"{0x0123456789ABCDEF:064b}"], np.uint8)
    coded = mark._encode(np.concatenate([bits, mark._crc(bits)]))
    coded[::24] *= -1
    assert np.array_equal(mark._decode(coded)[:64], bits)


def test_the_check_is_that_of_openpgp() -> None:
    bits = np.unpackbits(np.frombuffer(b"123456789", np.uint8))
    assert int("".join(map(str, mark._crc(bits))), 2) == 0x21CF02  # the check value of CRC-24/OPENPGP


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 4, 16]))
def test_what_has_no_mark_has_no_name(seed: int, grain: int) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (2, 128 // grain, 128 // grain), dtype=np.uint8)
    assert mark.detect(np.kron(noise, np.ones((1, grain, grain), np.uint8))) is None


@pytest.mark.parametrize("shape", [(0, 64, 64), (1, 2, 2), (1, 11, 300), (1, 16, 16)])
def test_a_small_frame_has_no_name(shape: tuple[int, int, int]) -> None:
    assert mark.detect(np.zeros(shape, np.uint8)) is None


def test_frames_change_by_two_levels_at_most(clip: Frames) -> None:
    marked = mark.embed(clip, "0123456789abcdef" * 2)
    assert 0 < np.abs(marked.astype(int) - clip).max() <= 2
    assert 10 * np.log10(255**2 / np.mean((marked.astype(float) - clip) ** 2)) > 41.5


def test_a_clip_is_recognised_after_a_re_encoding_at_crf_28_and_a_crop(clip: Frames, tmp_path: Path) -> None:
    name = "5eed" * 8
    path = tmp_path / "a.mp4"
    path.write_bytes(encode_mp4(mark.embed(clip, name), 8))
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="rgb24").astype(np.uint8) for frame in container.decode(video=0)]
    frames = [picture[25:231, 13:219] for picture in pictures]
    with av.open(str(tmp_path / "b.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 206, 206, "yuv420p"
        stream.codec_context.options = {"crf": "28"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
    assert mark.detect(read_luma(tmp_path / "b.mp4", mark.MOST_FRAMES)) == name[: mark.DIGITS]
