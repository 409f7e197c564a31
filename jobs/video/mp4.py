"""Clips as H.264 files that any browser plays: written whole or not at all, the same frames always giving the same bytes."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from infra import durable
from models.video.generator import Frames

ENCODING = "h264 yuv420p crf 18 medium no-mbtree"
"""Names how frames become bytes; to be changed with `_encode`."""


class BrokenVideo(ValueError):
    """A file does not decode to the end as a video."""


@dataclass(frozen=True)
class VideoFacts:
    """What a decoded file turned out to hold."""

    frames: int
    width: int
    height: int
    fps: float
    codec: str
    pixel_format: str


def write_mp4(path: Path, clip: Frames, fps: int) -> None:
    """Encodes a clip (T, H, W, 3) and puts it at `path` in one step, once it has been read back and synced to disk.

    H.264 in 4:2:0, with the index in front (faststart) so that it plays while it loads. Encoded by one thread and without
    time stamps or encoder names of the container, so the bytes depend on the frames, `fps` and the encoder's release only.

    Raises:
        ValueError: not frames of even width and height.
        BrokenVideo: what was written does not read back.
    """
    if clip.ndim != 4 or clip.shape[3] != 3 or clip.dtype != np.uint8 or not len(clip):
        raise ValueError(f"a clip is (T, H, W, 3) uint8, not {clip.shape} {clip.dtype}")
    if clip.shape[1] % 2 or clip.shape[2] % 2:
        raise ValueError(f"H.264 in 4:2:0 needs an even width and height, not {clip.shape[2]} x {clip.shape[1]}")
    with durable.replacing(path) as draft:
        _encode(draft, clip, fps)
        facts = verify_mp4(draft)
        if (facts.frames, facts.height, facts.width) != clip.shape[:3]:
            raise BrokenVideo(f"{path.name}: wrote {clip.shape[:3]}, read back {facts}")


def _encode(path: Path, clip: Frames, fps: int) -> None:
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = clip.shape[2], clip.shape[1], "yuv420p"
        # x264's macroblock tree (core 165) reads memory it has not set where the processor has AVX-512: with it, one clip
        # in two gave other bytes when encoded again.
        stream.codec_context.options = {"crf": "18", "preset": "medium", "threads": "1", "x264-params": "mbtree=0"}
        stream.codec_context.thread_count = 1
        for frame in clip:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())


def read_mp4(path: Path) -> Frames:
    """All frames of a file, (T, H, W, 3).

    Raises:
        BrokenVideo: it does not decode to the end.
    """
    return _decode(path)[0]


def verify_mp4(path: Path) -> VideoFacts:
    """Decodes every frame of a file and says what it holds.

    Raises:
        BrokenVideo: it is missing, cut short, not H.264 or damaged in any way that the decoder notices.
    """
    return _decode(path)[1]


def _decode(path: Path) -> tuple[Frames, VideoFacts]:
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise BrokenVideo(f"{path.name}: no video in it")
            stream = container.streams.video[0]
            context = stream.codec_context
            if context is None:  # the header was cut before it named a codec this build knows
                raise BrokenVideo(f"{path.name}: no decoder for its video stream")
            context.options = {"err_detect": "explode"}  # a damaged frame is an error, not a concealed guess
            context.thread_count = 1
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
            facts = VideoFacts(
                len(frames),
                context.width,
                context.height,
                float(stream.average_rate or 0),
                context.name,
                str(context.pix_fmt),
            )
            announced = stream.frames
    except (
        FFmpegError,
        OSError,
        IndexError,
        ValueError,
    ) as error:  # ValueError: names in the container that are no UTF-8
        raise BrokenVideo(f"{path.name}: {error}") from error
    if not frames or (announced and announced != len(frames)):
        raise BrokenVideo(f"{path.name}: {len(frames)} frames decode of the {announced} announced")
    if facts.codec != "h264":
        raise BrokenVideo(f"{path.name}: {facts.codec}, not h264")
    return np.stack(frames), facts
