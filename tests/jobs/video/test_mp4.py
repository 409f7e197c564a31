"""Videos are encoded and read back; damage is detected."""

import contextlib
import os
from pathlib import Path

import numpy as np
import pytest

from infra import durable
from jobs.video.mp4 import BrokenVideo, encode_mp4, read_luma, read_mp4, verify_mp4
from models.video.cartoons.corpus import render
from models.video.cartoons.descriptions import Description
from models.video.generator import Frames
from models.video.sound import Sound


@pytest.fixture(scope="module")
def clip() -> Frames:
    return render(Description("road_trip", "red"), 16, 64, np.random.default_rng(0))[0]


def test_a_browser_can_play_it_while_it_loads(clip: Frames, tmp_path: Path) -> None:
    durable.write(tmp_path / "a.mp4", encode_mp4(clip, fps=8))
    facts = verify_mp4(tmp_path / "a.mp4")
    assert (facts.frames, facts.height, facts.width, facts.fps) == (16, 64, 64, 8.0)
    assert (facts.codec, facts.pixel_format) == ("h264", "yuv420p")
    content = (tmp_path / "a.mp4").read_bytes()
    assert 0 < content.find(b"moov") < content.find(b"mdat")


def test_frames_survive_encoding(clip: Frames, tmp_path: Path) -> None:
    durable.write(tmp_path / "a.mp4", encode_mp4(clip, fps=8))
    assert np.abs(read_mp4(tmp_path / "a.mp4").astype(int) - clip).mean() < 8  # levels of 255; chroma is halved


def test_the_same_frames_give_the_same_bytes(clip: Frames, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    contents = set()
    for number in range(20):
        garbage = [rng.integers(0, 255, size=int(size), dtype=np.uint8) for size in rng.integers(1_000, 400_000, 6)]
        del garbage[::2]  # leaves old bytes in free memory, which an encoder that reads uninitialised memory would use
        durable.write(tmp_path / f"{number}.mp4", encode_mp4(clip, fps=8))
        contents.add((tmp_path / f"{number}.mp4").read_bytes())
    assert len(contents) == 1


def test_sound_is_a_track_of_the_same_length_and_the_same_bytes(clip: Frames, tmp_path: Path) -> None:
    time = np.arange(2 * 24_000) / 24_000
    sound = Sound(np.stack([np.sin(440 * time), np.cos(880 * time)]).astype(np.float32), 24_000)
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(encode_mp4(clip, 8, sound))
    facts = verify_mp4(tmp_path / "a.mp4")
    assert (facts.frames, facts.codec) == (16, "h264")
    assert facts.sound_s == pytest.approx(2, abs=1_024 / 24_000)  # AAC has packets of 1,024 samples
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    (tmp_path / "silent.mp4").write_bytes(encode_mp4(clip, 8))
    assert verify_mp4(tmp_path / "silent.mp4").sound_s == 0
    np.testing.assert_array_equal(read_mp4(tmp_path / "a.mp4"), read_mp4(tmp_path / "silent.mp4"))


def test_rejects_sounds_of_more_than_two_channels(clip: Frames) -> None:
    with pytest.raises(ValueError, match=r"a sound is \(1 or 2, N\) samples, not \(6, 10\)"):
        encode_mp4(clip, 8, Sound(np.zeros((6, 10), np.float32), 24_000))


def test_a_truncated_file_is_detected(clip: Frames, tmp_path: Path) -> None:
    durable.write(tmp_path / "whole.mp4", encode_mp4(clip, fps=8))
    content = (tmp_path / "whole.mp4").read_bytes()
    header = content.find(b"mdat")
    for length in (*range(header), *range(header, len(content), 101), len(content) - 1):
        (tmp_path / "cut.mp4").write_bytes(content[:length])
        with pytest.raises(BrokenVideo, match=r"cut\.mp4"):
            verify_mp4(tmp_path / "cut.mp4")


def test_a_damaged_header_raises_no_other_error(clip: Frames, tmp_path: Path) -> None:
    durable.write(tmp_path / "whole.mp4", encode_mp4(clip, fps=8))
    content = (tmp_path / "whole.mp4").read_bytes()
    for position in range(content.find(b"mdat")):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        (tmp_path / "damaged.mp4").write_bytes(damaged)
        with contextlib.suppress(BrokenVideo):
            verify_mp4(tmp_path / "damaged.mp4")


def test_the_brightness_of_frames_is_read(clip: Frames, tmp_path: Path) -> None:
    durable.write(tmp_path / "a.mp4", encode_mp4(clip, fps=8))
    luma = list(read_luma(tmp_path / "a.mp4", 5))
    assert [frame.shape for frame in luma] == [(64, 64)] * 5
    assert np.abs(np.stack(luma) - clip[:5] @ np.array([0.299, 0.587, 0.114])).mean() < 3  # levels of 255


def test_a_missing_file_is_detected(tmp_path: Path) -> None:
    with pytest.raises(BrokenVideo, match=r"absent\.mp4"):
        verify_mp4(tmp_path / "absent.mp4")


@pytest.mark.parametrize("shape", [(16, 63, 64, 3), (16, 64, 64, 4), (0, 64, 64, 3), (64, 64, 3)])
def test_rejects_invalid_clips(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"a clip is|even width and height"):
        encode_mp4(np.zeros(shape, np.uint8), fps=8)


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(
    clip: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.mp4"
    durable.write(target, encode_mp4(clip, fps=8))
    before = target.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        durable.write(target, encode_mp4(clip[::-1], fps=8))
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert target.read_bytes() == before
