"""H.264 files that every browser plays, with AAC for sound. The same clip gives the same bytes."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
from av.codec.context import Flags
from av.error import FFmpegError
from numpy.typing import NDArray

from infra.storage import Location
from models.video.generator import Frames
from models.video.sound import Sound

ENCODING = "h264 yuv420p crf 18 medium no-mbtree"
"""Identifies the encoding; change it whenever `_encode` gives other files for the same clips."""
_SOUND_BITS = 128_000
"""Bits per second of the sound."""


class BrokenVideo(ValueError):
    """The file is not a complete, decodable video."""


@dataclass(frozen=True)
class VideoFacts:
    """Properties of a decoded file."""

    frames: int
    width: int
    height: int
    fps: float
    codec: str
    pixel_format: str
    sound_s: float
    """Seconds of sound, 0 without a track."""


def encode_mp4(clip: Frames, fps: int, sound: Sound | None = None) -> bytes:
    """Encode a clip (T, H, W, 3) and its sound, and return the file.

    H.264 in 4:2:0, with the index first (faststart), so that the video plays while it loads. There is one encoder thread, and the
    container has no time stamps or encoder names, so the bytes depend only on the frames, `fps`, the sound and the
    encoders' release.

    Raises:
        ValueError: the clip does not have frames of even width and height, or the sound not one or two channels.
    """
    if clip.ndim != 4 or clip.shape[3] != 3 or clip.dtype != np.uint8 or not len(clip):
        raise ValueError(f"a clip is (T, H, W, 3) uint8, not {clip.shape} {clip.dtype}")
    if clip.shape[1] % 2 or clip.shape[2] % 2:
        raise ValueError(f"H.264 in 4:2:0 needs an even width and height, not {clip.shape[2]} x {clip.shape[1]}")
    if sound is not None and (sound.samples.ndim != 2 or len(sound.samples) not in (1, 2) or not sound.samples.size):
        raise ValueError(f"a sound is (1 or 2, N) samples, not {sound.samples.shape}")
    with TemporaryDirectory() as folder:  # the muxer opens the file a second time, to move the index to its start
        path = Path(folder, "clip.mp4")
        _encode(path, clip, fps, sound)
        return path.read_bytes()


def _encode(path: Path, clip: Frames, fps: int, sound: Sound | None) -> None:
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = clip.shape[2], clip.shape[1], "yuv420p"
        # x264's macroblock tree (core 165) reads uninitialised memory on processors with AVX-512: every second clip gave other
        # bytes when it was encoded again.
        stream.codec_context.options = {"crf": "18", "preset": "medium", "threads": "1", "x264-params": "mbtree=0"}
        stream.codec_context.thread_count = 1
        track = _sound_track(container, sound) if sound else None
        for frame in clip:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
        if track and sound:
            samples = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.samples), "fltp", _layout(sound))
            samples.sample_rate, samples.pts = sound.rate, 0
            container.mux(track.encode(samples))
            container.mux(track.encode())


def _sound_track(container: Any, sound: Sound) -> Any:
    track = container.add_stream("aac", rate=sound.rate)
    track.layout, track.bit_rate = _layout(sound), _SOUND_BITS
    track.codec_context.thread_count = 1
    track.codec_context.flags |= Flags.bitexact
    return track


def _layout(sound: Sound) -> str:
    return "mono" if len(sound.samples) == 1 else "stereo"


def read_mp4(path: Location) -> Frames:
    """Return all frames of a file, (T, H, W, 3).

    Raises:
        BrokenVideo: the file does not decode to the end.
    """
    return _decode_file(path)[0]


def read_luma(path: Path, most: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the brightness of the first frames of any video, (H, W) each, in the order in which they are shown.

    Args:
        path: a file in any format that FFmpeg reads.
        most: number of frames after which to stop.

    Raises:
        BrokenVideo: the file is no video, or is damaged.
    """
    try:
        with av.open(str(path), "r") as container:
            if not container.streams.video:
                raise BrokenVideo(f"{path.name}: no video stream")
            for number, frame in enumerate(container.decode(container.streams.video[0])):
                if number == most:
                    return
                yield frame.to_ndarray(format="gray").astype(np.uint8, copy=False)
    except (FFmpegError, OSError, IndexError, ValueError) as error:
        raise BrokenVideo(f"{path.name}: {error}") from error


def verify_mp4(path: Location) -> VideoFacts:
    """Decode every frame of a file and return its properties.

    Raises:
        BrokenVideo: the file is missing, truncated, not H.264, or damaged in a way that the decoder detects.
    """
    return _decode_file(path)[1]


def _decode_file(path: Location) -> tuple[Frames, VideoFacts]:
    try:
        return decode_mp4(path.read_bytes(), path.name)
    except OSError as error:
        raise BrokenVideo(f"{path.name}: {error}") from error


def decode_mp4(content: bytes, name: str) -> tuple[Frames, VideoFacts]:
    """Decode a whole file, and return all frames (T, H, W, 3) and its properties.

    Args:
        content: the file.
        name: its name, for errors.

    Raises:
        BrokenVideo: it is truncated, not H.264, or damaged in a way that the decoder detects.
    """
    try:
        with av.open(BytesIO(content), "r") as container:
            if not container.streams.video:
                raise BrokenVideo(f"{name}: no video stream")
            stream = container.streams.video[0]
            context = stream.codec_context
            if context is None:  # truncated header, or a codec that this build does not support
                raise BrokenVideo(f"{name}: no decoder for its video stream")
            context.options = {"err_detect": "explode"}  # raise errors for damaged frames instead of concealing them
            context.thread_count = 1
            frames: list[np.ndarray] = []
            sound_s = 0.0
            for frame in container.decode(stream, *container.streams.audio):
                if isinstance(frame, av.VideoFrame):
                    frames.append(frame.to_ndarray(format="rgb24"))
                elif isinstance(frame, av.AudioFrame) and frame.sample_rate:
                    sound_s += frame.samples / frame.sample_rate
            facts = VideoFacts(
                len(frames),
                context.width,
                context.height,
                float(stream.average_rate or 0),
                context.name,
                str(context.pix_fmt),
                sound_s,
            )
            declared_frames = stream.frames
    except (FFmpegError, OSError, IndexError, ValueError) as error:  # ValueError: names that are not UTF-8
        raise BrokenVideo(f"{name}: {error}") from error
    if not frames or (declared_frames and declared_frames != len(frames)):
        raise BrokenVideo(f"{name}: {len(frames)} of {declared_frames} declared frames decode")
    if facts.codec != "h264":
        raise BrokenVideo(f"{name}: {facts.codec}, not h264")
    return np.stack(frames), facts
