"""Clips that were made to be wrong are found, whatever was done to them; good ones are left alone."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_image

from jobs.video.mp4 import encode_mp4
from models.video.captioned_clips import BrokenClip, read_captioned_clips
from models.video.cartoons.corpus import render
from models.video.cartoons.descriptions import Description
from models.video.clip_filters import Measures, copies, measure, reasons
from models.video.generator import Frames
from models.video.ocr import read_text

FONT = str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"))


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    """A flower, from scikit-learn's examples."""
    return Image.fromarray(load_sample_image("flower.jpg")).resize((320, 240))


@pytest.fixture(scope="module")
def moving(photograph: Image.Image) -> Frames:
    """3 seconds, 8 pictures a second, in which the camera moves over the flower."""
    return np.stack([np.asarray(photograph.crop((2 * n, n, 2 * n + 192, n + 192))) for n in range(24)])


def measured(folder: Path, frames: Frames, fps: int = 8) -> Measures:
    (folder / "clip.mp4").write_bytes(encode_mp4(frames, fps))
    return measure(folder / "clip.mp4")


def test_a_good_clip_has_no_reasons(moving: Frames, tmp_path: Path) -> None:
    measures = measured(tmp_path, moving)
    assert (measures.seconds, measures.width, measures.height) == (3.0, 192, 192)
    assert reasons(measures) == []


@pytest.mark.parametrize(
    "description", [Description("candle", "red"), Description("boat", "blue", "1", "up", "slow", "night")]
)
def test_little_motion_in_the_dark_is_neither_frozen_nor_black(description: Description, tmp_path: Path) -> None:
    assert reasons(measured(tmp_path, render(description, 16, 64, np.random.default_rng(0))[0])) == []


def test_a_short_clip(moving: Frames, tmp_path: Path) -> None:
    assert reasons(measured(tmp_path, moving[:15])) == ["lasts 1.875 s, less than 2 s"]


def test_a_black_clip_though_something_moves(moving: Frames, tmp_path: Path) -> None:
    dark = moving // 16
    assert "black: 100% of its pictures" in reasons(measured(tmp_path, dark))
    dark[:13] = moving[:13]
    assert reasons(measured(tmp_path, dark)) == []


def test_a_frozen_clip_with_the_noise_of_a_film(moving: Frames, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 4, moving.shape)
    frozen = (moving[:1] + noise).clip(0, 255).astype(np.uint8)
    assert reasons(measured(tmp_path, frozen)) == ["frozen: nothing moves in 100% of it"]


@pytest.mark.parametrize(
    ("text", "place", "size"), [("shutterstock.com", (10, 150), 18), ("Subscribe now!", (40, 20), 16)]
)
def test_a_watermark(moving: Frames, text: str, place: tuple[int, int], size: int, tmp_path: Path) -> None:
    marked = []
    for frame in moving:
        image = Image.fromarray(frame)
        ImageDraw.Draw(image).text(place, text, font=ImageFont.truetype(FONT, size), fill="white")
        marked.append(np.asarray(image))
    (reason,) = reasons(measured(tmp_path, np.stack(marked)))
    assert reason.startswith("shows text: ")
    assert text.split()[0] in reason


def test_text_above_each_other_is_read(photograph: Image.Image) -> None:
    column = Image.new("RGB", (256, 40), "navy")
    ImageDraw.Draw(column).text((20, 5), "NIGHTREEL", font=ImageFont.truetype(FONT, 24), fill="white")
    assert read_text(column.transpose(Image.Transpose.ROTATE_270)) == ["NIGHTREEL"]
    assert read_text(photograph) == []


def test_a_damaged_clip(moving: Frames, tmp_path: Path) -> None:
    content = encode_mp4(moving, 8)
    (tmp_path / "clip.mp4").write_bytes(content[: len(content) // 2])
    with pytest.raises(BrokenClip):
        measure(tmp_path / "clip.mp4")


def test_copies_are_recognised(moving: Frames, tmp_path: Path) -> None:
    changed = {
        "scaled": moving[:, ::2, ::2],
        "brighter": (0.8 * moving + 40).astype(np.uint8),
        "grey": moving.mean(3, keepdims=True).repeat(3, 3).astype(np.uint8),
        "half the frame rate": moving[::2],
        "mirrored": moving[:, :, ::-1],
        "backwards": moving[::-1],
    }
    hashes = [measured(tmp_path, moving).perceptual_hash]
    hashes += [measured(tmp_path, f, 8 * len(f) // 24).perceptual_hash for f in changed.values()]
    assert dict(zip(changed, copies(hashes)[1:], strict=True)) == {
        **dict.fromkeys(("scaled", "brighter", "grey", "half the frame rate"), 0), **dict.fromkeys(("mirrored", "backwards")),
    }  # fmt: skip


@given(st.binary(min_size=32, max_size=32), st.sets(st.integers(0, 255)))
def test_what_differs_in_few_bits_is_a_copy(original: bytes, flipped: set[int]) -> None:
    changed = int.from_bytes(original) ^ sum(1 << bit for bit in flipped)
    other = f"{changed:064x}"
    is_copy = len(flipped) <= 18
    assert copies([original.hex(), other]) == [None, 0 if is_copy else None]
    assert copies([original.hex(), other, other]) == [None, *([0, 0] if is_copy else [None, 1])]


def test_real_clips(shared_data: Path) -> None:
    clip = read_captioned_clips(shared_data / "clips" / "crush_smol")[1]
    assert reasons(measure(clip.path)) == []
