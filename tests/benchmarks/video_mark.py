"""How well the invisible mark of clips survives, and what it costs.

    python -m tests.benchmarks.video_mark [--clips 200] [--size 256]

Each clip is a render of the corpus, every second one enlarged from 64 pixels as the clips of the project's own generator are.
It is marked and encoded as in a night, then changed: re-encoded at CRF 28, cropped, or both. A crop cuts 10 % off the width
and the height at a random place, or 10 % off each of the four sides. `read` is the share of the clips whose name was read,
`wrong` the number of clips for which another name was read. The same clips without a mark are searched for one too.
"""

import argparse
import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from PIL import Image

from jobs.video import mark, mp4
from models.video.cartoons.corpus import pictures, render
from models.video.cartoons.descriptions import compositions
from models.video.generator import Frames

_FRAMES, _FPS = 16, 8
_SHARE = 0.1
"""The part that a crop cuts off."""

Sides = tuple[int, int, int, int]
"""Pixels cut off at the top, bottom, left and right."""


def clips(count: int, size: int) -> Iterator[Frames]:
    """Yield different clips, (T, size, size, 3)."""
    rng = np.random.default_rng(5)
    every = [*pictures(2), *compositions()]
    for number in rng.permutation(len(every))[:count]:
        small = bool(number % 2)
        frames = render(every[number], _FRAMES, 64 if small else size, rng)[0]
        enlarged = [np.asarray(Image.fromarray(f).resize((size, size), Image.Resampling.LANCZOS)) for f in frames]
        yield np.stack(enlarged)


def changed(path: Path, into: Path, crf: int, sides: Sides = (0, 0, 0, 0)) -> Path:
    """Crop a video, encode it again, and return the new file."""
    top, bottom, left, right = sides
    frames = mp4.read_mp4(path)
    frames = frames[:, top : frames.shape[1] - bottom, left : frames.shape[2] - right]
    with av.open(str(into), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=_FPS)
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        stream.codec_context.options = {"crf": str(crf), "preset": "medium"}
        stream.codec_context.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
    return into


def versions(path: Path, size: int, rng: np.random.Generator) -> Iterator[tuple[str, Path]]:
    """Yield the names of the changes, and the changed files."""
    cut = round(_SHARE * size / 2) * 2
    top, left = (int(pixels) for pixels in rng.integers(0, cut + 1, 2))
    crop, each = (top, cut - top, left, cut - left), (cut, cut, cut, cut)
    into = path.with_name("changed.mp4")
    yield "as made", path
    yield "CRF 28", changed(path, into, 28)
    yield "crop of 10 %", changed(path, into, 18, crop)
    yield "crop of 10 %, CRF 28", changed(path, into, 28, crop)
    yield "10 % off each side, CRF 28", changed(path, into, 28, each)
    yield "CRF 32", changed(path, into, 32)


def read(path: Path) -> str | None:
    """Return what is read from a file."""
    return mark.detect(mp4.read_luma(path, mark.MOST_FRAMES))


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--size", type=int, default=256, help="width and height, pixels")
    args = parser.parse_args(argv)
    right, wrong, of_unmarked = Counter[str](), Counter[str](), Counter[str]()
    noise, sizes = [], np.zeros(2)
    rng = np.random.default_rng(6)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        for number, frames in enumerate(clips(args.clips, args.size)):
            name = hashlib.sha256(f"clip {number}".encode()).hexdigest()[:32]
            marked = mark.embed(frames, name)
            noise.append(10 * np.log10(255**2 / np.mean((marked.astype(np.float32) - frames) ** 2)))
            for is_marked, shown in enumerate((frames, marked)):
                path.write_bytes(mp4.encode_mp4(shown, _FPS))
                sizes[is_marked] += path.stat().st_size
                for change, file in versions(path, args.size, rng):
                    found = read(file)
                    if not is_marked:
                        of_unmarked[change] += found is not None
                    else:
                        right[change] += found == name[: mark.DIGITS]
                        wrong[change] += found not in (None, name[: mark.DIGITS])
    print(f"{args.clips} clips of {args.size} x {args.size} pixels, {_FRAMES} frames")
    print(f"{'change':28} {'read':>8} {'wrong':>6} {'read without a mark':>20}")
    for change in of_unmarked:
        print(f"{change:28} {right[change] / args.clips:8.1%} {wrong[change]:6} {of_unmarked[change]:20}")
    print(
        f"PSNR of the mark {np.mean(noise):.1f} dB, at least {np.min(noise):.1f}; files {sizes[1] / sizes[0] - 1:+.0%}"
    )


if __name__ == "__main__":
    main()
