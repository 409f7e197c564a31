"""Folders of captioned clips, as finetrainers and Tune-A-Video lay them, and the frames of their clips.

| in the folder | caption of a clip |
|---|---|
| `metadata.jsonl` or `metadata.csv` | `caption`, `text` or `prompt` of the line that has its `file_name` |
| `prompts.txt` and `videos.txt` (or `captions.txt`, or in the singular) | the line at the clip's place in `videos.txt` |
| `validation.json` | `caption` of the entry of `data` that has its `video_path` |
| `<name>.txt` beside each clip | its content |
| `<name>.yaml` of Tune-A-Video | `train_data.prompt`; the clip is `train_data.video_path`, or that name beside the file |

Layouts: https://github.com/huggingface/finetrainers, docs/dataset, and https://github.com/showlab/Tune-A-Video, configs.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import yaml
from av.error import FFmpegError
from PIL import Image, ImageOps

from models.video.generator import Frames, VideoSpec

_VIDEO_SUFFIXES = {".mp4", ".mov", ".avi", ".mkv", ".webm"}
_PROMPT_LISTS = ("prompts.txt", "prompt.txt", "captions.txt", "caption.txt")
_VIDEO_LISTS = ("videos.txt", "video.txt")
_CAPTION_KEYS = ("caption", "text", "prompt")
_ROUNDING_S = 1e-6


@dataclass(frozen=True)
class CaptionedClip:
    """A video file, and the text that says what it shows."""

    path: Path
    caption: str


class BrokenClip(ValueError):
    """The file is not a complete, decodable video."""


def read_captioned_clips(folder: Path) -> list[CaptionedClip]:
    """Return the clips of a folder, in the order of its list, or by name where each clip has a file of its own.

    The clips are not opened: `read_frames` finds broken ones.

    Raises:
        ValueError: there is no clip, a clip has no caption or a caption no clip, or a file is not as its layout wants it.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; name the folder of captioned clips")
    lists = [name for name in _READERS if (folder / name).exists()]
    if len(lists) > 1:
        raise ValueError(f"{folder}: has {' and '.join(lists)}; keep the one that lists the clips to use")
    clips = list(_READERS[lists[0]](folder / lists[0]) if lists else _one_file_each(folder))
    uncaptioned = _videos(folder) - {clip.path.resolve() for clip in clips}
    if uncaptioned:
        where = f"add it to {lists[0]}" if lists else "write its caption to a file of the same name ending in .txt"
        raise ValueError(f"{min(uncaptioned)}: this clip has no caption; {where}, or move it out of the folder")
    if not clips:
        raise ValueError(
            f"{folder}: no clips; a folder has videos, and captions for them in {', '.join(_READERS)} or <name>.txt"
        )
    return clips


def read_frames(path: Path, spec: VideoSpec) -> Frames:
    """Return the beginning of a clip at a size, length and frame rate, (T, H, W, 3).

    Pictures of another shape are scaled to fill the frame, and cut at the edges.

    Raises:
        BrokenClip: the file is no video, or is damaged.
        ValueError: the clip is shorter than the frames.
    """
    pictures = islice(read_pictures(path, spec.fps), spec.frames)
    frames = [np.asarray(ImageOps.fit(picture, (spec.width, spec.height))) for picture in pictures]
    if len(frames) < spec.frames:
        needed = f"{spec.frames} frames at {spec.fps} a second"
        raise ValueError(f"{path}: this clip is shorter than {needed}; ask for fewer frames, or leave it out")
    return np.stack(frames)


def read_pictures(path: Path, fps: float) -> Iterator[Image.Image]:
    """Yield the upright pictures that a player shows at 0, 1 / fps, 2 / fps, … seconds of a clip, to its end.

    Raises:
        BrokenClip: the file is no video, or is damaged; only seen when the pictures are read to their end.
    """
    count, yielded, start = 0, 0, 0.0
    try:
        with av.open(str(path), "r") as container:
            if not container.streams.video:
                raise BrokenClip(f"{path}: has no video; replace the file, or leave it out")
            stream = container.streams.video[0]
            stream.codec_context.options = {"err_detect": "explode"}  # raise errors instead of concealing damage
            frame_s = float(1 / (stream.average_rate or 24))
            for count, frame in enumerate(container.decode(stream), 1):
                time = (count - 1) * frame_s if frame.time is None else frame.time
                start = time if count == 1 else start
                seconds = float(frame.duration * stream.time_base) if frame.duration and stream.time_base else frame_s
                while yielded / fps < time - start + seconds - _ROUNDING_S:
                    yield frame.to_image().rotate(frame.rotation, expand=True)
                    yielded += 1
            if not count or stream.frames > count:
                problem = f"only {count} of {stream.frames} frames decode"
                raise BrokenClip(f"{path}: {problem}; replace the file, or leave it out")
    except (FFmpegError, OSError, IndexError) as error:
        raise BrokenClip(f"{path}: {error}; replace the file, or leave it out") from error


def _from_json_lines(file: Path) -> Iterator[CaptionedClip]:
    for number, line in enumerate(_text(file).splitlines(), 1):
        if line.strip():
            yield _listed(file, f"line {number}", _json(file, line, f"line {number}"), "file_name")


def _from_csv(file: Path) -> Iterator[CaptionedClip]:
    rows = csv.DictReader(StringIO(_text(file), newline=""))
    for row in rows:
        yield _listed(file, f"line {rows.line_num}", row, "file_name")


def _from_json(file: Path) -> Iterator[CaptionedClip]:
    content = _json(file, _text(file), "")
    entries = content.get("data") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise ValueError(
            f'{file}: has no list of clips; finetrainers wants {{"data": [{{"caption": …, "video_path": …}}]}}'
        )
    for number, entry in enumerate(entries, 1):
        yield _listed(file, f"entry {number}", entry, "video_path")


def _from_line_lists(videos: Path) -> Iterator[CaptionedClip]:
    prompts = [videos.with_name(name) for name in _PROMPT_LISTS if videos.with_name(name).exists()]
    if len(prompts) != 1:
        raise ValueError(f"{videos}: needs exactly one of {', '.join(_PROMPT_LISTS)} beside it, and has {len(prompts)}")
    names, captions = _text(videos).splitlines(), _text(prompts[0]).splitlines()
    if len(names) != len(captions):
        raise ValueError(
            f"{prompts[0]}: {len(captions)} captions for {len(names)} clips in {videos.name}; write one a line"
        )
    for number, (name, caption) in enumerate(zip(names, captions, strict=True), 1):
        yield _listed(videos, f"line {number}", {"file_name": name, "caption": caption}, "file_name")


_READERS = {
    "metadata.jsonl": _from_json_lines,
    "metadata.csv": _from_csv,
    **dict.fromkeys(_VIDEO_LISTS, _from_line_lists),
    "validation.json": _from_json,
}


def _one_file_each(folder: Path) -> Iterator[CaptionedClip]:
    for file in sorted(file for file in folder.rglob("*") if file.suffix in {".txt", ".yaml", ".yml"}):
        if file.suffix == ".txt":
            clips = [video for suffix in sorted(_VIDEO_SUFFIXES) if (video := file.with_suffix(suffix)).is_file()]
            if len(clips) != 1:
                raise ValueError(f"{file}: {len(clips)} clips have the name of this caption; there must be one")
            yield _captioned(file, "", clips[0], _text(file))
        else:
            yield _from_tune_a_video(file)


def _from_tune_a_video(file: Path) -> CaptionedClip:
    try:
        train_data = yaml.safe_load(_text(file))["train_data"]
        path, caption = Path(train_data["video_path"]), train_data["prompt"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ValueError(
            f"{file}: no train_data with video_path and prompt, as in configs of Tune-A-Video ({error})"
        ) from None
    beside = file.parent / path.name
    return _captioned(file, "", beside if beside.is_file() else file.parent / path, caption)


def _listed(file: Path, where: str, entry: object, path_key: str) -> CaptionedClip:
    if not isinstance(entry, dict) or not entry.get(path_key):
        raise ValueError(f"{file}: {where}: no {path_key}; name the clip of this caption")
    caption = next((entry[key] for key in _CAPTION_KEYS if entry.get(key)), None)
    return _captioned(file, where, file.parent / str(entry[path_key]).strip(), caption)


def _captioned(file: Path, where: str, clip: Path, caption: object) -> CaptionedClip:
    place = f"{file}: {where}" if where else str(file)
    if not clip.is_file():
        raise ValueError(f"{place}: the clip {clip} is missing; put it there, or remove its caption")
    if not isinstance(caption, str) or not caption.strip():
        raise ValueError(f"{place}: the clip {clip.name} has no caption; write what it shows")
    return CaptionedClip(clip, " ".join(caption.split()))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file}: is not UTF-8 ({error}); save it as UTF-8") from None


def _json(file: Path, text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{file}: {where + ': ' if where else ''}is not JSON ({error})") from None


def _videos(folder: Path) -> set[Path]:
    return {file.resolve() for file in folder.rglob("*") if file.suffix.lower() in _VIDEO_SUFFIXES}
